// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/fd.hpp"
#include "agent/generation_store.hpp"

#include <string_view>
#include <vector>

namespace kongfleet::agent {

/// Takes the contents a plan misses, back to back, and puts each into its file of `incoming`.
/// Nothing is believed: more bytes than announced are refused before they are written; digests are
/// checked when the files are copied to their place. Throws Error on any breach.
class ContentReceiver {
public:
  ContentReceiver(const Incoming& incoming, std::vector<ManifestFile> expected);
  /// Bytes that are still to come.
  std::uint64_t awaited() const { return awaited_; }
  void feed(std::string_view content);
  /// It is over: throws Error unless all is there.
  void finish();
  bool complete() const { return complete_; }

private:
  void open_next();

  const Incoming& incoming_;
  std::vector<ManifestFile> expected_;
  std::uint64_t awaited_;
  std::size_t at_ = 0;      // the file being written
  std::uint64_t left_ = 0;  // bytes it still misses
  Fd file_;
  bool complete_ = false;
};

}  // namespace kongfleet::agent
