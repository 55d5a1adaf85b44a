// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "proto/manifest.hpp"

#include <string>
#include <vector>

namespace kongfleet::controller {

/// A release with all its bytes, ready to be pushed or packed.
/// `contents[i]` are the bytes of `manifest.files()[i]`: as long as it says, with the digest it
/// says. `signature`: over manifest.text(), in OpenSSH's armoured form (PROTOCOL.sshsig), as it
/// came with the bundle; empty for one that nobody signed. The controller only carries it: whether
/// it is good is decided by every host.
struct Release {
  Manifest manifest;
  std::vector<std::string> contents;
  std::string signature;
};

}  // namespace kongfleet::controller
