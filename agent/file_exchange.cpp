// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/file_exchange.hpp"

#include "proto/error.hpp"

namespace kongfleet::agent {

namespace {

fs::path swap_name(const fs::path& other) { return other.string() + ".swap"; }

}  // namespace

void exchange_files(const Directory& here, const fs::path& other, const fs::path& live) {
  if (here.exchange(other, live)) return;
  finish_exchange(here, other, live);
  const auto second = swap_name(other);
  here.link(live, second);
  here.sync();  // before the first name goes: the content is the way back
  here.rename(other, live);
  here.rename(second, other);
}

bool finish_exchange(const Directory& here, const fs::path& other, const fs::path& live) {
  const auto second = swap_name(other);
  const auto swap = here.look(second);
  if (!swap) return false;
  const auto now = here.look(live);
  if (!now) throw Error("'" + live.string() + "' is not there");
  if (swap->st_ino != now->st_ino) {
    here.rename(second, other);
  } else {
    here.remove(second);
  }
  return true;
}

}  // namespace kongfleet::agent
