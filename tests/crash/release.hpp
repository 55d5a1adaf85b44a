// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proto/manifest.hpp"

#include <map>
#include <string>
#include <vector>

namespace kongfleet::crash {

/// What the tiny gateway makes of a handler (tiny_settings.hpp).
enum class Handler { Good, BrokenInMaster };

/// A small release of plugin `greet`: handler, schema, a module it requires lazily, and one outside
/// of kong/. Schema and words are the same in every version, so that they are copied on the host.
struct Release {
  Manifest manifest;
  std::map<std::string, std::string> contents;  // by digest (hex)

  /// The contents of a plan's `missing`, back to back, as a Blob stream has them.
  std::string missing(const std::vector<std::string>& digests) const;
};

Release make_release(const std::string& version, Handler handler = Handler::Good);

}  // namespace kongfleet::crash
