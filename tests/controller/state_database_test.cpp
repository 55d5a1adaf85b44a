// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/state_database.hpp"

#include <catch2/catch.hpp>
#include <soci/soci.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "state_fixture.hpp"
#include <csignal>
#include <fstream>
#include <iterator>

namespace kongfleet::controller {

namespace {

using Mode = StateDatabase::Mode;

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string refusal(const StateFixture& state, Mode mode = Mode::Write) {
  const auto message = message_of([&] { StateDatabase(state.location(), mode); });
  return replaced(message, state.file().string(), "FILE");
}

/// Ends this process, as kill -9 does, before the statement of a number.
class Killer : public soci::logger_impl {
public:
  Killer(int at, int* seen) : at_(at), seen_(seen) {}
  void start_query(const std::string&) override {
    if ((*seen_)++ == at_) ::raise(SIGKILL);
  }

private:
  logger_impl* do_clone() const override { return new Killer(at_, seen_); }
  int at_;
  int* seen_;
};

// What a controller writes of two rollouts, the second one left open.
void write_two_rollouts(FleetMemory& memory) {
  auto first = begun("rollout-1", 3);
  memory.rollouts.begin(first, {plugin_release("1.0.0")});
  first.hosts[1].phase = HostPhase::Done;
  memory.rollouts.write(first, {{{1, first.hosts[1]}}, {{1, "host", "host-2", "done"}}});
  first.state = RolloutState::Ended;
  memory.rollouts.end(first, {{{2, first.hosts[2]}}, {{2, "end", "", "ended"}}});
  memory.rollouts.begin(begun("rollout-2", 3), {plugin_release("1.1.0")});
}

// True when the writer came to its end before the statement `at`.
bool is_through_when_killed(const StateFixture& state, int at) {
  const auto child = ::fork();
  if (child == 0) {
    int seen = 0;
    auto memory = state.open();
    memory.database.look([&](soci::session& sql) { sql.set_logger(new Killer(at, &seen)); });
    write_two_rollouts(memory);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) return false;
  REQUIRE(WEXITSTATUS(status) == 0);
  return true;
}

// Each deed is there whole or not at all, and in order.
void check_is_whole(const StateFixture& state) {
  auto memory = state.open();
  const auto all = memory.rollouts.list(10);
  CHECK(all.size() <= 2);
  for (const auto& rollout : all) {
    CHECK(rollout.hosts_all == 3);
    CHECK(rollout.releases.size() == 1);
    const bool open = rollout.state == RolloutState::Open;
    if (open) CHECK(memory.releases.of_rollout(rollout.id).size() == 1);
    const auto events = memory.rollouts.events(rollout.id).size();
    if (rollout.id == "rollout-1") CHECK(events == (open ? 1 + rollout.hosts_ok : 3));
  }
  if (all.size() == 2) CHECK(all.back().state == RolloutState::Ended);
}

}  // namespace

TEST_CASE("a state is made where there is none, and is there again") {
  const StateFixture state;
  { StateDatabase(state.location(), Mode::Write); }
  CHECK(state_exists(state.location()));
  StateDatabase again(state.location(), Mode::Look);
  std::string journal;
  int synchronous = 0;
  StateDatabase writer(state.location(), Mode::Write);
  writer.look([&](soci::session& sql) {
    sql << "PRAGMA journal_mode", soci::into(journal);
    sql << "PRAGMA synchronous", soci::into(synchronous);
  });
  CHECK(journal == "wal");
  CHECK(synchronous == 2);  // FULL
}

TEST_CASE("what is remembered is for its owner, unless its group is let in") {
  const StateFixture state;
  const auto rights = [&] { return std::filesystem::status(state.file()).permissions(); };
  const auto masked = ::umask(0);
  { StateDatabase(state.location(), Mode::Write); }
  CHECK(rights() == std::filesystem::perms(0600));
  std::filesystem::permissions(state.file(), std::filesystem::perms(0660));
  { StateDatabase(state.location(), Mode::Write); }
  CHECK(rights() == std::filesystem::perms(0660));
  REQUIRE(std::filesystem::remove(state.file()));
  std::filesystem::permissions(state.scratch().path(), std::filesystem::perms(02770));
  { StateDatabase(state.location(), Mode::Write); }
  ::umask(masked);
  CHECK(rights() == std::filesystem::perms(0660));
}

TEST_CASE("who only looks makes nothing and writes nothing") {
  const StateFixture state;
  CHECK(refusal(state, Mode::Look) == "state 'FILE': there is no such file");
  CHECK_FALSE(state_exists(state.location()));
  { StateDatabase(state.location(), Mode::Write); }
  StateDatabase looker(state.location(), Mode::Look);
  const auto write = [](soci::session& sql) { sql << "DELETE FROM rollouts"; };
  CHECK(message_of([&] { looker.look(write); }) != "(no error)");
}

TEST_CASE("a state of a newer kongfleet is refused, and stays as it is") {
  const StateFixture state;
  {
    StateDatabase made(state.location(), Mode::Write);
    made.together([](soci::session& sql) { sql << "UPDATE kongfleet_state SET version = 7"; });
  }
  const auto before = bytes_of(state.file());
  for (const auto mode : {Mode::Write, Mode::Look}) {
    CHECK(refusal(state, mode) ==
          "state 'FILE': it was written by a newer kongfleet (version 7 of the state, this one "
          "knows 1); upgrade kongfleet here, or name another file as [fleet] state; nothing was "
          "changed");
  }
  CHECK(bytes_of(state.file()) == before);
}

TEST_CASE("what is no state of ours is refused") {
  const StateFixture state;
  {
    StateDatabase made(state.location(), Mode::Write);
    made.together([](soci::session& sql) { sql << "DROP TABLE kongfleet_state"; });
  }
  CHECK(refusal(state).find("not of kongfleet") != std::string::npos);
  state.scratch().write("edge.db", std::string(5000, 'x'));
  CHECK(refusal(state).find("not a database") != std::string::npos);
}

TEST_CASE("a state that belongs to another user is refused in words, to look at as well") {
  const StateFixture state;
  StateDatabase(state.location(), Mode::Write);
  const auto mode = GENERATE(Mode::Write, Mode::Look);
  const bool seen = GENERATE(false, true);  // by those who may not write it
  if (seen) std::filesystem::permissions(state.scratch().path(), std::filesystem::perms(0755));
  constexpr uid_t nobody = 65534;
  REQUIRE(::seteuid(nobody) == 0);  // the tests' user is root
  const auto said = refusal(state, mode);
  REQUIRE(::seteuid(0) == 0);
  const std::string closed = "state 'FILE': Permission denied";
  const std::string way =
      "state 'FILE': 'FILE' can't be written by uid 65534 (Permission denied), which even a look "
      "needs; run kongfleet as the user whose state it is, or open the file and its directory to a "
      "group of all who use it: chgrp GROUP, chmod g+rw (g+rwx for the "
      "directory)";
  CHECK(said == (seen ? way : closed));
}

TEST_CASE("a deed that fails leaves nothing behind") {
  const StateFixture state;
  StateDatabase database(state.location(), Mode::Write);
  const auto broken = [](soci::session& sql) {
    sql << "UPDATE kongfleet_state SET version = 7";
    sql << "UPDATE no_such_table SET version = 7";
  };
  CHECK(message_of([&] { database.together(broken); }).starts_with("state '"));
  StateDatabase(state.location(), Mode::Write);
}

TEST_CASE("a writer killed before any of its statements leaves a state that is whole") {
  int at = 0;
  for (bool through = false; !through; ++at) {
    const StateFixture state;
    through = is_through_when_killed(state, at);
    check_is_whole(state);
    REQUIRE(at < 1000);
  }
  CHECK(at > 30);
}

}  // namespace kongfleet::controller
