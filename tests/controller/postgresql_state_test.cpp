// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// The hidden ones need a server: postgresql_test.py starts it.
#include "controller/postgresql_state.hpp"

#include "controller/declined.hpp"

#include <catch2/catch.hpp>
#include <soci/soci.h>
#include <sys/wait.h>
#include <unistd.h>

#include "state_fixture.hpp"
#include <vector>

namespace kongfleet::controller {

namespace {

using Mode = StateDatabase::Mode;

const std::string secret_uri = "postgresql://me:se%2Fcret@db:5432/kongfleet?sslpassword=hidden";

std::string refusal(const std::string& location, Mode mode = Mode::Write) {
  return message_of([&] { StateDatabase(location, mode); });
}

std::string told(StateDatabase& database, const std::string& query) {
  std::string word;
  database.look([&](soci::session& sql) { sql << query, soci::into(word); });
  return word;
}

}  // namespace

TEST_CASE("of a PostgreSQL URI no secret is shown, however it is written") {
  CHECK(shown_uri(secret_uri) == "postgresql://me@db:5432/kongfleet");
  CHECK(shown_uri("postgresql://db/kongfleet") == "postgresql://db/kongfleet");
  CHECK(shown_uri("postgresql://") == "postgresql:///");
  CHECK(shown_uri("postgresql://a,b/x") == "postgresql://a,b/x");
  // Each should have been %XX, or libpq takes it for something else.
  for (const std::string secret : {"se/cret", "se/cr:et", "a@cret", "se#cret@b", "50%cret"}) {
    const auto uri = "postgresql://me:" + secret + "@db/x";
    CHECK(shown_uri(uri) == "postgresql://…");
    CHECK_THAT(refusal(uri), Catch::StartsWith("state 'postgresql://…': it is no connection URI"));
    CHECK_THAT(refusal(uri), !Catch::Contains("cret"));
  }
  CHECK_THAT(shown_uri("postgresql://me:se?cret@db/x?sslmode=require"), !Catch::Contains("se?"));
  CHECK_THAT(refusal("postgresql://me@db/x?password=50%off"), !Catch::Contains("50%off"));
  CHECK(without_secrets("port \"se/cret\" of \"hidden\"", secret_uri) == "port \"***\" of \"***\"");
}

TEST_CASE("a PostgreSQL server that is not there is named, without a secret") {
  const auto said = refusal("postgresql://me:s3cret@/kongfleet?host=/no/such/place");
  CHECK_THAT(said, Catch::StartsWith("state 'postgresql://me@/no/such/place/kongfleet': "));
  CHECK_THAT(said, Catch::Contains("No such file or directory") && !Catch::Contains("s3cret"));
  CHECK_THAT(said, !Catch::Contains("\n"));
}

TEST_CASE("controllers that come at the same time make one state", "[.postgresql]") {
  const StateFixture state;
  std::vector<pid_t> controllers;
  for (int i = 0; i < 6; ++i) {
    controllers.push_back(::fork());
    if (controllers.back() != 0) continue;
    ::_exit(refusal(state.location()) == "(no error)" ? 0 : 1);
  }
  for (const auto controller : controllers) {
    int status = -1;
    ::waitpid(controller, &status, 0);
    CHECK(status == 0);
  }
  StateDatabase database(state.location(), Mode::Look);
  CHECK(told(database, "SELECT CAST(count(*) AS TEXT) FROM kongfleet_state") == "1");
}

TEST_CASE("who only looks makes and writes nothing in PostgreSQL", "[.postgresql]") {
  const StateFixture state;
  CHECK_FALSE(state_exists(state.location()));
  CHECK_THAT(refusal(state.location(), Mode::Look), Catch::Contains("nobody has remembered"));
  CHECK_FALSE(state_exists(state.location()));
  { StateDatabase(state.location(), Mode::Write); }
  CHECK(state_exists(state.location()));
  StateDatabase looker(state.location(), Mode::Look);
  const auto write = [](soci::session& sql) { sql << "DELETE FROM rollouts"; };
  CHECK_THAT(message_of([&] { looker.look(write); }), Catch::Contains("read-only"));
}

TEST_CASE("a database that is not ours, or a newer one's, stays as it is", "[.postgresql]") {
  const StateFixture state;
  StateDatabase made(state.location(), Mode::Write);
  made.together([](soci::session& sql) { sql << "UPDATE kongfleet_state SET version = 7"; });
  CHECK_THAT(refusal(state.location()), Catch::Contains("written by a newer kongfleet") &&
                                            Catch::Contains("name another database"));
  made.together([](soci::session& sql) { sql << "DROP TABLE kongfleet_state"; });
  CHECK_THAT(refusal(state.location()), Catch::Contains("not of kongfleet"));
}

TEST_CASE("who waits for a locked PostgreSQL state is told so, and for how long", "[.postgresql]") {
  const StateFixture state;
  { StateDatabase(state.location(), Mode::Write); }
  StateLocker locker(state);
  std::vector<std::string> heard;
  const auto tell = [&](const std::string& text) {
    heard.push_back(text);
    locker.end();
  };
  StateDatabase database(state.location(), Mode::Write, {.tell = tell});
  database.together([](soci::session&) {});
  REQUIRE(heard.size() == 1);
  CHECK_THAT(heard[0], Catch::Contains("is locked by kongfleet, process "));
  CHECK_THAT(heard[0], Catch::EndsWith(" of the server; waits for it, 20 s at most"));
}

TEST_CASE("a PostgreSQL state that stays locked is a reason to try later", "[.postgresql]") {
  const StateFixture state;
  const StateDatabase::Surroundings in_haste{.patience = std::chrono::milliseconds(50)};
  StateDatabase database(state.location(), Mode::Write, in_haste);
  StateLocker locker(state);
  try {
    database.together([](soci::session&) {});
    FAIL("it was locked");
  } catch (const Declined& declined) {
    CHECK(declined.exit_code() == 75);
    CHECK_THAT(declined.what(), Catch::Contains("is locked by kongfleet, process "));
  }
  database.look([](soci::session&) {});  // who reads need not wait
  locker.end();
  database.together([](soci::session&) {});
}

TEST_CASE("what a failed statement held is not told", "[.postgresql]") {
  const StateFixture state;
  StateDatabase database(state.location(), Mode::Write);
  const std::string held = "is locked by nobody";
  const auto said = message_of([&] {
    database.together([&](soci::session& sql) {
      sql << "INSERT INTO kongfleet_state (version) VALUES (:version)", soci::use(held);
    });
  });
  CHECK_THAT(said, Catch::Contains("invalid input syntax"));
  CHECK_THAT(said, !Catch::Contains("INSERT"));
}

TEST_CASE("a connection that was lost is made anew, as it was", "[.postgresql]") {
  const StateFixture state;
  StateDatabase database(state.location(), Mode::Write);
  const bool writes = GENERATE(false, true);
  const auto process = told(database, "SELECT CAST(pg_backend_pid() AS TEXT)");
  StateDatabase other(state.location(), Mode::Look);
  CHECK(told(other, "SELECT CAST(pg_terminate_backend(" + process + ") AS TEXT)") == "true");
  if (writes) database.together([](soci::session&) {});
  CHECK(told(database, "SELECT CAST(pg_backend_pid() AS TEXT)") != process);
  CHECK(told(database, "SHOW idle_in_transaction_session_timeout") == "15s");
}

TEST_CASE("what is written lasts, though the server would let it wait", "[.postgresql]") {
  const StateFixture state;
  StateDatabase lax(state.location() + "%20-csynchronous_commit%3Doff", Mode::Write);
  CHECK(told(lax, "SHOW synchronous_commit") == "on");
  StateDatabase strict(state.location() + "%20-csynchronous_commit%3Dremote_apply", Mode::Write);
  CHECK(told(strict, "SHOW synchronous_commit") == "remote_apply");
}

}  // namespace kongfleet::controller
