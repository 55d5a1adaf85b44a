// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/plan_view.hpp"

#include <catch2/catch.hpp>

#include "run_fixture.hpp"
#include <sstream>

namespace kongfleet::controller {

namespace {

void add_move(wire::Plan& plan, const std::string& name, const std::string& from,
              const std::string& to) {
  auto& move = *plan.add_releases();
  move.set_name(name);
  move.set_from(from);
  move.set_to(to);
}

void add_conf_line(wire::Plan& plan, std::uint32_t number, const std::string& before,
                   const std::string& after) {
  auto& line = *plan.add_conf();
  line.set_line(number);
  if (!before.empty()) line.set_before(before);
  if (!after.empty()) line.set_after(after);
}

wire::Finding plan_finding(const std::string& file, const std::string& text,
                           const std::string& advice) {
  wire::Finding finding;
  finding.set_plugin("my-plugin");
  finding.set_file(file);
  if (!file.empty()) finding.set_line(12);
  finding.set_text(text);
  finding.set_advice(advice);
  return finding;
}

wire::Plan first_release() {
  wire::Plan plan;
  plan.set_conf_path("/etc/kong/kong.conf");
  add_move(plan, "my-plugin", "", "1.1.0");
  plan.add_missing("00ff");
  plan.add_missing("11ff");
  plan.set_missing_bytes(1234);
  add_conf_line(plan, 3, "plugins = bundled", "plugins = bundled,my-plugin");
  add_conf_line(plan, 4, "", "lua_package_path = /var/lib/kongfleet/generations/1/?.lua;;");
  return plan;
}

wire::Plan of_all_kinds() {
  wire::Plan plan;
  plan.set_conf_path("/etc/kong/kong.conf");
  add_move(plan, "my-plugin", "1.0.0", "1.1.0");
  add_move(plan, "other", "2.0.0", "2.0.0");
  add_move(plan, "gone", "0.9.0", "");
  add_conf_line(plan, 7, "lua_package_path = /old", "");
  *plan.add_warnings() = plan_finding("", "shadows a module of Kong's", "");
  *plan.add_refusals() = plan_finding("handler.lua", "'<eof>' expected near 'local'", "mend it");
  return plan;
}

}  // namespace

TEST_CASE("a plan reads like a diff, hosts with the same change together") {
  RunFixture run(6);
  run.host(0).plan = first_release();
  run.host(1).plan = of_all_kinds();
  run.host(1).state.add_drift("files: 'handler.lua' was edited");
  run.host(2).plan = first_release();
  run.host(3).plan.emplace().set_unchanged(true);
  run.host(4).problem = "connect to 'edge-5': nobody is there";
  run.host(5).plan.emplace().set_unchanged(true);
  std::ostringstream text;
  print_plan(text, run.hosts());
  CHECK(text.str() ==
        "edge-1, edge-3\n"
        "  + my-plugin 1.1.0\n"
        "    2 files to send, 1234 bytes\n"
        "  - /etc/kong/kong.conf:3  plugins = bundled\n"
        "  + /etc/kong/kong.conf:3  plugins = bundled,my-plugin\n"
        "  + /etc/kong/kong.conf:4  lua_package_path = /var/lib/kongfleet/generations/1/?.lua;;\n"
        "edge-2\n"
        "  ~ my-plugin 1.0.0 -> 1.1.0\n"
        "  ~ other 2.0.0 (content differs)\n"
        "  - gone 0.9.0\n"
        "  - /etc/kong/kong.conf:7  lua_package_path = /old\n"
        "  ! drift: files: 'handler.lua' was edited\n"
        "  ? my-plugin: shadows a module of Kong's\n"
        "  X refused: my-plugin: handler.lua:12: '<eof>' expected near 'local'\n"
        "      mend it\n"
        "edge-4, edge-6\n"
        "  = nothing to do\n"
        "edge-5\n"
        "  X connect to 'edge-5': nobody is there\n");
}

TEST_CASE("who objects to a plan is told with why, and nobody else is named") {
  RunFixture run(3);
  run.host(0).plan = of_all_kinds();
  run.host(1).plan = first_release();
  run.host(2).trouble = Trouble::Away;
  run.host(2).problem = "connect to 'edge-3': nobody is there";
  std::ostringstream text;
  print_objections(text, run.hosts());
  CHECK(text.str() ==
        "edge-1 refuses\n"
        "  X my-plugin: handler.lua:12: '<eof>' expected near 'local'\n"
        "      mend it\n"
        "edge-3: connect to 'edge-3': nobody is there\n");
}

}  // namespace kongfleet::controller
