// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/crash/host_check.hpp"
#include "tests/crash/scene.hpp"

#include <string>
#include <vector>

namespace kongfleet::crash {

/// The texts of which kong.conf must have one once the scene is over and recovered from.
std::vector<std::string> confirmed(const Stage& stage, const Scene& scene, const Told& told);

enum class Recovery {
  AtBoot,   // the host died: `recover`, then Kong starts, then `serve`
  Serving,  // the agent died: `serve`, Kong never stopped
};

/// Recovers, and checks everything that must then be so.
Complaints recover_and_check(const Stage& stage, const Scene& scene, const Told& told,
                             Recovery recovery);
/// Recovers, and checks also that the host goes on from there: with a rollback after a boot, with a
/// deploy otherwise.
Complaints recover_and_go_on(const Stage& stage, const Scene& scene, const Told& told,
                             Recovery recovery);

/// Whether everything was as it is without interference, and what follows too.
Complaints check_undisturbed(const Stage& stage, const Scene& scene, const Performance& seen,
                             Recovery recovery);

}  // namespace kongfleet::crash
