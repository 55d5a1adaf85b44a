// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <linux/filter.h>
#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace kongfleet::crash {

/// A system call that changes something others can see, about to be made by a traced process.
struct MutatingCall {
  std::size_t number = 0;  // from 1, over all that is traced; set by the tracer
  pid_t thread = 0;
  std::string name;             // "renameat2"
  std::filesystem::path path;   // the file it is about; empty for a signal
  std::filesystem::path other;  // of renames and links: the second one
  bool disk = true;             // false: a signal
  bool renames = false;
  bool exclusive = false;   // an open with O_EXCL
  bool truncates = false;   // an open with O_TRUNC
  int flags_argument = -1;  // which argument holds the flags of an open

  /// "renameat2 .building-000002-0123456789ab -> 000002-0123456789ab": for people.
  std::string text() const;
};

struct RawCall {
  std::uint64_t number = 0;  // SYS_…
  std::array<std::uint64_t, 6> arguments{};
};

/// What a call that `thread` is about to make would change below `scope`, or a signal it sends.
/// Nothing for one that changes nothing there.
std::optional<MutatingCall> mutating_call(pid_t thread, const RawCall& raw,
                                          const std::filesystem::path& scope);

/// Makes the calling process, and all it starts, stop for its tracer at every call that may be a
/// mutating one (seccomp); all others run at full speed.
class CallFilter {
public:
  CallFilter();
  /// Async-signal-safe; false when the kernel refuses.
  bool install() const;

private:
  std::vector<sock_filter> program_;
};

}  // namespace kongfleet::crash
