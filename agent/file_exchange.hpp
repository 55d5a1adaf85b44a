// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/directory.hpp"

#include <filesystem>

namespace kongfleet::agent {

/// Gives two files of one directory each other's name, so that `live` always names a whole file:
/// the one of before or the other. Both lie in `here`; the caller syncs it. Throws Error.
///
/// One call where the kernel and the file system can; else three, with a second name for the live
/// file in between: OTHER.swap. After a death in the midst of them, finish_exchange() puts that in
/// order.
void exchange_files(const Directory& here, const fs::path& other, const fs::path& live);

/// What a death left of an exchange of `other` with `live`: the second name goes, or becomes
/// `other`, whose content it is. Returns whether anything was to be done. Throws Error.
bool finish_exchange(const Directory& here, const fs::path& other, const fs::path& live);

}  // namespace kongfleet::agent
