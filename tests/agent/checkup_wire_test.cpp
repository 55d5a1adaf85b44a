// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/checkup.hpp"
#include "agent/wire.hpp"

#include <catch2/catch.hpp>

using namespace kongfleet;
using namespace kongfleet::agent;

TEST_CASE("a check on the wire is printable and bounded, and there are no more than make sense") {
  Check check{"drift",
              CheckVerdict::Wrong,
              "a\x1b[31m" + std::string(5000, 'x'),
              "why",
              {RemedyKind::Controller, "kongfleet sync HOST"}};
  const auto sent = to_wire(std::vector<Check>(300, check));
  CHECK(sent.checks_size() == 200);
  CHECK(sent.checks(0).verdict() == wire::Check::WRONG);
  CHECK(sent.checks(0).remedy_kind() == wire::Check::CONTROLLER);
  CHECK(sent.checks(0).text().find('\x1b') == std::string::npos);
  CHECK(sent.checks(0).text().size() < 2100);
  const std::vector<Check> kinds{{"a", CheckVerdict::Right, "", "", {RemedyKind::None, ""}},
                                 {"b", CheckVerdict::Warning, "", "", {RemedyKind::Edit, ""}},
                                 {"c", CheckVerdict::Warning, "", "", {RemedyKind::Host, ""}}};
  const auto others = to_wire(kinds);
  CHECK(others.checks(0).verdict() == wire::Check::RIGHT);
  CHECK(others.checks(0).remedy_kind() == wire::Check::NONE);
  CHECK(others.checks(1).remedy_kind() == wire::Check::EDIT);
  CHECK(others.checks(2).remedy_kind() == wire::Check::HOST);
}
