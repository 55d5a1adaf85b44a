// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "proto/digest.hpp"

#include <catch2/catch.hpp>

using namespace kongfleet;

TEST_CASE("SHA-256 is SHA-256, at once or in pieces") {
  const auto expected =
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";  // FIPS 180-2, B.1
  CHECK(sha256("abc").hex() == expected);
  Sha256 pieces;
  pieces.update("a");
  pieces.update("bc");
  CHECK(pieces.finish().hex() == expected);
  pieces.update("abc");
  CHECK(pieces.finish().hex() == expected);
}

TEST_CASE("a digest is read from exactly 64 lower-case hexadecimal digits") {
  const auto hex = sha256("x").hex();
  CHECK(Digest::parse(hex)->hex() == hex);
  CHECK(Digest::parse(hex)->brief(12) == hex.substr(0, 12));
  CHECK_FALSE(Digest::parse(hex.substr(1)));
  CHECK_FALSE(Digest::parse(hex + "0"));
  CHECK_FALSE(Digest::parse("G" + hex.substr(1)));
  CHECK_FALSE(Digest::parse("A" + hex.substr(1)));
}
