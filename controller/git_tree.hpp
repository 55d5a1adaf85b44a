// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/fleet.hpp"
#include "controller/plugin_tree.hpp"

namespace kongfleet::controller {

/// The tree of one commit of a Git repository of this machine, bare or not, by the same rules as
/// read_plugin_tree. Nothing is checked out and nothing of the repository is executed: it is read
/// with `git rev-parse`, `git ls-tree` and `git cat-file`, so that the bytes are the committed
/// ones, without line-end conversion and substitutions, and every size is known, and checked,
/// before content is asked for. Throws Error, also when there is no git.
PluginTree read_git_tree(const PluginSource& source);

}  // namespace kongfleet::controller
