// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/host_identities.hpp"

#include <catch2/catch.hpp>

using kongfleet::controller::HostIdentities;

TEST_CASE("one host under two names is noticed, whoever comes first, and may come again itself") {
  HostIdentities hosts;
  CHECK_FALSE(hosts.claim("edge-01", "boot-a/1:2", "SHA256:k"));
  CHECK_FALSE(hosts.claim("edge-01", "boot-a/1:2", "SHA256:k"));
  CHECK(hosts.claim("10.0.0.1", "boot-a/1:2", "SHA256:k") == "edge-01");
  CHECK(hosts.notes().empty());
}

TEST_CASE("two agents of one machine are two, and so are agents that do not say who they are") {
  HostIdentities hosts;
  CHECK_FALSE(hosts.claim("a", "boot/1:2", "SHA256:k"));
  CHECK_FALSE(hosts.claim("b", "boot/1:3", "SHA256:k"));
  CHECK_FALSE(hosts.claim("c", "", "SHA256:k"));
  CHECK_FALSE(hosts.claim("d", "", "SHA256:k"));
  CHECK(hosts.notes().empty());
}

TEST_CASE("clones with one host key are different hosts, and worth a note") {
  HostIdentities hosts;
  CHECK_FALSE(hosts.claim("a", "boot-1/1:2", "SHA256:k"));
  CHECK_FALSE(hosts.claim("b", "boot-2/1:2", "SHA256:k"));
  CHECK_FALSE(hosts.claim("b", "boot-3/1:2", "SHA256:k"));
  REQUIRE(hosts.notes().size() == 1);
  CHECK(hosts.notes()[0].starts_with("'a' and 'b' have the same SSH host key SHA256:k"));
}
