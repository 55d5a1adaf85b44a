// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/state_backend.hpp"

namespace kongfleet::controller {

/// A state in an SQLite file, in WAL mode. Throws as StateDatabase says.
std::unique_ptr<StateBackend> open_sqlite_state(const std::filesystem::path& file, StateMode mode,
                                                StateSurroundings surroundings);

}  // namespace kongfleet::controller
