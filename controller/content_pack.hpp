// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/conversation.hpp"
#include "controller/release.hpp"

#include <map>
#include <string>
#include <vector>

namespace kongfleet::controller {

/// The contents of all releases of a rollout, compressed once for all hosts that lack the same
/// ones.
class ContentPack {
public:
  /// `releases` must outlive it.
  explicit ContentPack(const std::vector<Release>& releases);
  /// The contents with these digests (hex), back to back in one zstd frame. Throws Error for a
  /// digest no release has: the host asked for something it was not offered.
  SharedBytes compressed(const std::vector<std::string>& digests);

private:
  std::map<std::string, const std::string*> contents_;
  std::map<std::vector<std::string>, SharedBytes> made_;
};

}  // namespace kongfleet::controller
