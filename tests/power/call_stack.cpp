// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "tests/power/call_stack.hpp"

#include "proto/error.hpp"

#include <cxxabi.h>
#include <elfutils/libdwfl.h>

#include <cstdlib>
#include <filesystem>

namespace kongfleet::power {

namespace {

std::string last_error(const std::string& doing) { return doing + ": " + dwfl_errmsg(-1); }

struct Frames {
  Dwfl* program;
  std::vector<CallStack::Frame> found;
};

void erase_all(std::string& text, std::string_view what) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at)) {
    text.erase(at, what.size());
  }
}

// Without namespaces and arguments.
std::string function_at(Dwfl* program, Dwarf_Addr address) {
  const char* symbol = dwfl_module_addrname(dwfl_addrmodule(program, address), address);
  if (symbol == nullptr) return {};
  int failed = 0;
  char* demangled = abi::__cxa_demangle(symbol, nullptr, nullptr, &failed);
  std::string name = failed == 0 ? demangled : symbol;
  std::free(demangled);
  erase_all(name, "(anonymous namespace)::");
  erase_all(name, "kongfleet::agent::");
  return name.substr(0, name.find_first_of("(["));
}

// Ours end in .cpp; those of the C and C++ libraries, should they be known, in .c, .S and .cc.
std::string line_at(Dwfl* program, Dwarf_Addr address) {
  auto* line = dwfl_getsrc(program, address);
  int number = 0;
  const char* file =
      line == nullptr ? nullptr : dwfl_lineinfo(line, nullptr, &number, nullptr, nullptr, nullptr);
  if (file == nullptr || std::filesystem::path(file).extension() != ".cpp") return {};
  return std::filesystem::path(file).filename().string() + ":" + std::to_string(number);
}

int take_frame(Dwfl_Frame* frame, void* argument) {
  auto& frames = *static_cast<Frames*>(argument);
  Dwarf_Addr address = 0;
  bool standing = false;  // else it will return to the address: the call is just before it
  if (!dwfl_frame_pc(frame, &address, &standing)) return DWARF_CB_ABORT;
  const auto at = standing ? address : address - 1;
  auto line = line_at(frames.program, at);
  if (!line.empty()) frames.found.push_back({function_at(frames.program, at), std::move(line)});
  return DWARF_CB_OK;
}

}  // namespace

struct CallStack::Program {
  explicit Program(pid_t its_pid) : pid(its_pid), dwfl(dwfl_begin(&callbacks)) {
    if (dwfl == nullptr) throw Error(last_error("read debugging information"));
    const bool known = dwfl_linux_proc_report(dwfl, pid) == 0 &&
                       dwfl_report_end(dwfl, nullptr, nullptr) == 0 &&
                       dwfl_linux_proc_attach(dwfl, pid, true) == 0;
    if (known) return;
    const auto why = last_error("read the debugging information of process " + std::to_string(pid));
    dwfl_end(dwfl);
    throw Error(why);
  }
  ~Program() { dwfl_end(dwfl); }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  pid_t pid;
  Dwfl* dwfl;

private:
  static const Dwfl_Callbacks callbacks;
};

const Dwfl_Callbacks CallStack::Program::callbacks = {
    dwfl_linux_proc_find_elf, dwfl_standard_find_debuginfo, nullptr, nullptr};

CallStack::CallStack() = default;
CallStack::~CallStack() = default;

std::vector<CallStack::Frame> CallStack::frames(pid_t process, pid_t thread) {
  if (!program_ || program_->pid != process) program_ = std::make_unique<Program>(process);
  Frames frames{program_->dwfl, {}};
  // An unwinding that stops before the thread's first frame is no failure: the innermost count.
  dwfl_getthread_frames(program_->dwfl, thread, take_frame, &frames);
  if (frames.found.empty()) {
    throw Error(last_error("find the lines thread " + std::to_string(thread) + " is at"));
  }
  return std::move(frames.found);
}

}  // namespace kongfleet::power
