// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/agent/signing_fixture.hpp"

#include "agent/child_process.hpp"
#include "agent/release_trust.hpp"
#include "agent/ssh_wire.hpp"
#include "proto/error.hpp"

#include <cstdlib>
#include <fstream>
#include <iterator>

namespace kongfleet::agent::test {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view armor_first = "-----BEGIN SSH SIGNATURE-----\n";
constexpr std::string_view armor_last = "-----END SSH SIGNATURE-----\n";

std::string bytes_of(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw Error("cannot read '" + path.string() + "'");
  return {std::istreambuf_iterator<char>(in), {}};
}

// `standard_input` is a file: ssh-keygen reads what is signed from there.
ChildResult ssh_keygen(const Arguments& arguments,
                       const std::string& standard_input = "/dev/null") {
  ChildRequest request;
  request.argv = {"/bin/sh", "-c", R"(exec ssh-keygen "$@" <"$0")", standard_input};
  request.argv.insert(request.argv.end(), arguments.begin(), arguments.end());
  request.environment = {"PATH=/usr/bin:/bin", "LC_ALL=C"};
  if (const char* zone = std::getenv("TZ"))
    request.environment.push_back(std::string("TZ=") + zone);
  request.deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  auto result = run_child(request);
  if (result.exit_code == 127 || result.timed_out)
    throw Error("ssh-keygen (package openssh-client) does not run: " + result.text());
  return result;
}

void must(const ChildResult& result, const std::string& what) {
  if (!result.ok()) throw Error("ssh-keygen does not " + what + ": " + result.text());
}

}  // namespace

std::string why_refused(const Question& question) {
  TrustRules rules{.allowed_signers = {"allowed_signers", question.allowed}, .revoked_keys = {}};
  if (question.revoked) rules.revoked_keys = TrustFile{"revoked_keys", *question.revoked};
  try {
    require_trusted({question.message, question.signature}, rules, question.now);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::string SigningRoom::write(const std::string& name, std::string_view text) const {
  const auto file = path() / name;
  std::ofstream(file, std::ios::binary) << text;
  return file.string();
}

std::string SigningRoom::make_key(const std::string& name, const Arguments& options) {
  Arguments arguments{"-q", "-N", "", "-C", "", "-f", (path() / name).string()};
  arguments.insert(arguments.end(), options.begin(), options.end());
  must(ssh_keygen(arguments), "make a key");
  return public_key(name);
}

std::string SigningRoom::public_key(const std::string& name) const {
  auto line = bytes_of(path() / (name + ".pub"));
  return line.substr(0, line.find_last_not_of(" \n") + 1);
}

void SigningRoom::certify(const std::string& name, const std::string& key,
                          const std::string& authority, const Arguments& options) {
  fs::copy_file(path() / key, path() / name);
  fs::copy_file(path() / (key + ".pub"), path() / (name + ".pub"));
  Arguments arguments{"-q", "-s", (path() / authority).string()};
  arguments.insert(arguments.end(), options.begin(), options.end());
  arguments.push_back((path() / (name + ".pub")).string());
  must(ssh_keygen(arguments), "certify");
}

std::string SigningRoom::sign(const std::string& name, const std::string& message,
                              const Arguments& options) const {
  const auto certificate = path() / (name + "-cert.pub");
  const auto key = fs::exists(certificate) ? certificate : path() / name;
  const auto file = write("to-sign", message);
  fs::remove(file + ".sig");
  Arguments arguments{"-q", "-Y", "sign", "-f", key.string()};
  arguments.insert(arguments.end(), options.begin(), options.end());
  arguments.push_back(file);
  must(ssh_keygen(arguments), "sign");
  return bytes_of(file + ".sig");
}

std::string SigningRoom::revocations(const Arguments& options) const {
  const auto file = path() / "krl";
  fs::remove(file);
  Arguments arguments{"-q", "-k", "-f", file.string()};
  for (const auto& option : options)
    arguments.push_back(fs::exists(path() / option) ? (path() / option).string() : option);
  must(ssh_keygen(arguments), "make a revocation list");
  return bytes_of(file);
}

bool SigningRoom::openssh_accepts(const Question& question) const {
  std::tm parts{};
  ::gmtime_r(&question.now, &parts);
  char time[32];
  std::strftime(time, sizeof time, "%Y%m%d%H%M%SZ", &parts);
  Arguments arguments{"-q",
                      "-Y",
                      "verify",
                      "-n",
                      "kongfleet-release-v1",
                      "-I",
                      question.identity,
                      "-O",
                      std::string("verify-time=") + time,
                      "-f",
                      write("allowed", question.allowed),
                      "-s",
                      write("signature", question.signature)};
  if (question.revoked) {
    arguments.push_back("-r");
    arguments.push_back(write("revoked", *question.revoked));
  }
  return ssh_keygen(arguments, write("message", question.message)).ok();
}

std::string without_armor(const std::string& armored) {
  std::string base64;
  for (const char c :
       armored.substr(armor_first.size(), armored.size() - armor_first.size() - armor_last.size()))
    if (c != '\n') base64 += c;
  return base64_decoded(base64).value();
}

std::string with_armor(const std::string& bytes) {
  auto base64 = base64_unpadded(bytes);
  base64.append((4 - base64.size() % 4) % 4, '=');
  std::string text(armor_first);
  for (std::size_t at = 0; at < base64.size(); at += 70) text += base64.substr(at, 70) + "\n";
  return text.append(armor_last);
}

}  // namespace kongfleet::agent::test
