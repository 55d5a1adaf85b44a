// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "proto/error.hpp"
#include "proto/names.hpp"
#include "tests/hostile/judges.hpp"
#include "tests/hostile/tree_print.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iostream>
#include <iterator>

namespace kongfleet::hostile {

namespace {

#ifdef __SANITIZE_ADDRESS__
constexpr unsigned seconds_max = 200;
constexpr bool bounded = false;  // it needs terabytes of addresses
#else
constexpr unsigned seconds_max = 20;
constexpr bool bounded = true;
#endif
constexpr rlim_t address_bytes_max = rlim_t{1} << 30;
// The largest release there can be is 256 MiB, and a bundle of it is held beside it for a moment.
constexpr long resident_kib_max = 400L << 10;

[[noreturn]] void be_the_child(const LocalCase& each, const fs::path& directory,
                               const fs::path& said) {
  const rlimit addresses{address_bytes_max, address_bytes_max};
  if (bounded && ::setrlimit(RLIMIT_AS, &addresses) != 0) ::_exit(125);
  ::alarm(seconds_max);
  std::string text;
  try {
    text = each.attempt(directory);
  } catch (const Error& error) {
    text = error.what();
  } catch (const std::exception& error) {
    text = std::string("an exception that is no Error: ") + error.what();
  }
  std::ofstream file(said);
  file << text;
  file.close();
  ::_exit(file ? 0 : 125);
}

std::string how_it_ended(int status, const rusage& used) {
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) return "it took too long; ";
  if (WIFSIGNALED(status)) return "signal " + std::to_string(WTERMSIG(status)) + "; ";
  if (WEXITSTATUS(status) != 0) return "exit code " + std::to_string(WEXITSTATUS(status)) + "; ";
  if (bounded && used.ru_maxrss > resident_kib_max)
    return "it took " + std::to_string(used.ru_maxrss) + " KiB; ";
  return "";
}

/// Empty, or what was wrong.
std::string judge(const LocalCase& each, const fs::path& directory) {
  const auto own = directory / "case";
  const auto said = directory / "said";
  fs::remove_all(own);
  fs::create_directory(own);
  fs::remove(said);
  if (each.make) each.make(own);
  const auto before = print_of(own);
  std::cout.flush();
  const auto child = ::fork();
  if (child < 0) throw_errno("fork");
  if (child == 0) be_the_child(each, own, said);
  int status = 0;
  rusage used{};
  if (::wait4(child, &status, 0, &used) != child) throw_errno("wait for a case");
  auto wrong = how_it_ended(status, used);
  std::ifstream file(said, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (text.find(each.wanted) == std::string::npos)
    wrong += "it said '" + printable(text, 400) + "'; ";
  const auto left = difference(before, print_of(own));
  if (!left.empty()) wrong += "left: " + left.substr(0, 400);
  return wrong;
}

}  // namespace

std::size_t judge_locally(const LocalCases& cases, const fs::path& directory) {
  std::size_t bad = 0;
  for (const auto& each : cases) {
    const auto wrong = judge(each, directory);
    if (wrong.empty()) continue;
    ++bad;
    std::cout << each.threat << " " << each.name << ": wanted '" << each.wanted << "', " << wrong
              << "\n";
  }
  return bad;
}

}  // namespace kongfleet::hostile
