// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/checkup_view.hpp"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include "run_fixture.hpp"
#include <sstream>

namespace kongfleet::controller {

namespace {

wire::Check made(const std::string& name, wire::Check::Verdict verdict,
                 wire::Check::Remedy kind = wire::Check::NONE, const std::string& remedy = "") {
  wire::Check check;
  check.set_name(name);
  check.set_verdict(verdict);
  check.set_text("what is");
  if (verdict != wire::Check::RIGHT) check.set_why("why it matters");
  check.set_remedy(remedy);
  check.set_remedy_kind(kind);
  return check;
}

/// One on which all is right, one that is ill in every way, one that is silent.
struct ThreePatients : RunFixture {
  ThreePatients() : RunFixture(3) {
    for (std::size_t i = 0; i < 2; ++i) {
      host(i).agent_version = KONGFLEET_VERSION;
      host(i).state.set_state("ready");
      host(i).checkup.emplace();
    }
    *host(0).checkup->checkup.add_checks() = made("kong", wire::Check::RIGHT);
    for (const auto& check :
         {made("kong", wire::Check::RIGHT),
          made("reload", wire::Check::WRONG, wire::Check::HOST, "systemctl daemon-reload"),
          made("drift", wire::Check::WRONG, wire::Check::CONTROLLER, "kongfleet sync HOST"),
          made("status-api", wire::Check::WARNING, wire::Check::EDIT, "write it")})
      *host(1).checkup->checkup.add_checks() = check;
    host(2).trouble = Trouble::Away;
    host(2).fault = LinkFault::Connect;
    host(2).problem = "connect to 'edge-3': nobody is there";
  }
};

std::string shown(const RunFixture& run) {
  std::ostringstream out;
  print_checkups(out, run.hosts());
  return out.str();
}

}  // namespace

TEST_CASE("what is right is named on one line, what is not right takes two each") {
  CHECK(shown(ThreePatients()) ==
        "edge-1  ok, 3 checks\n"
        "  right    agent, clock, kong\n"
        "edge-2  2 wrong, 1 warning, 6 checks\n"
        "  wrong    reload: what is; why it matters\n"
        "           on edge-2: systemctl daemon-reload\n"
        "  wrong    drift: what is; why it matters\n"
        "           here: kongfleet sync edge-2\n"
        "  warning  status-api: what is; why it matters\n"
        "           mend: write it\n"
        "  right    agent, clock, kong\n"
        "edge-3  1 wrong, 1 check\n"
        "  wrong    reach: connect to 'edge-3': nobody is there; a rollout counts it as "
        "unavailable\n"
        "           here: ssh -v edge-3\n");
}

TEST_CASE("the names of what is right take several lines where there are many") {
  RunFixture run(1);
  run.host(0).agent_version = KONGFLEET_VERSION;
  run.host(0).checkup.emplace();
  for (int i = 0; i < 20; ++i)
    *run.host(0).checkup->checkup.add_checks() =
        made("check-" + std::to_string(i), wire::Check::RIGHT);
  CHECK(shown(run) ==
        "edge-1  ok, 22 checks\n"
        "  right    agent, clock, check-0, check-1, check-2, check-3, check-4, check-5, check-6, "
        "check-7,\n"
        "           check-8, check-9, check-10, check-11, check-12, check-13, check-14, check-15, "
        "check-16,\n"
        "           check-17, check-18, check-19\n");
}

TEST_CASE("the JSON has what is right as well") {
  const ThreePatients run;
  const auto hosts = checkups_json(run.hosts());
  REQUIRE(hosts.size() == 3);
  CHECK(hosts[0].at("verdict") == "right");
  CHECK(hosts[0].at("checks").as_array().size() == 3);
  CHECK_FALSE(hosts[0].at("checks").at(2).as_object().contains("remedy"));
  CHECK(hosts[1].at("verdict") == "wrong");
  const auto& reload = hosts[1].at("checks").at(3);
  CHECK(reload.at("name") == "reload");
  CHECK(reload.at("why") == "why it matters");
  CHECK(reload.at("remedy") == "systemctl daemon-reload");
  CHECK(reload.at("remedy_kind") == "host");
  CHECK(hosts[1].at("checks").at(4).at("remedy_kind") == "controller");
  CHECK(hosts[1].at("checks").at(5).at("remedy_kind") == "edit");
}

TEST_CASE("warnings are no failure, what is wrong is one, and who is stranded needs a person") {
  ThreePatients run;
  CHECK(checkups_exit_code(run.hosts()) == 2);
  run.host(0).fault = LinkFault::HostKey;
  CHECK(checkups_exit_code(run.hosts()) == 7);
  run.host(1).state.set_state("stranded");
  CHECK(checkups_exit_code(run.hosts()) == 4);
  RunFixture warned(1);  // its agent is too old to be asked
  CHECK(checkups_exit_code(warned.hosts()) == 0);
  CHECK(shown(warned).starts_with("edge-1  1 warning, 1 check\n"));
  CHECK(shown(warned).find("right") == std::string::npos);
}

}  // namespace kongfleet::controller
