// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/ssh_wire.hpp"

#include "proto/error.hpp"

#include <catch2/catch.hpp>

namespace kongfleet::agent::test {

using Catch::Equals;

namespace {

std::string positive_of(std::string_view bytes) {
  SshReader reader(bytes, "x");
  return std::string(reader.positive());
}

}  // namespace

TEST_CASE("SSH's wire encoding is read to the byte") {
  const auto bytes = std::string("\x07\0\0\0\x02\0\0\0\0\0\0\0\x03", 13) + ssh_string("abc");
  SshReader reader(bytes, "a thing");
  CHECK(reader.byte() == 7);
  CHECK(reader.u32() == 2);
  CHECK(reader.u64() == 3);
  CHECK(reader.string() == "abc");
  CHECK(reader.empty());
  CHECK_NOTHROW(reader.end());
  CHECK_THROWS_WITH(reader.byte(), "a thing: ends too early");
}

TEST_CASE("what ends early, goes on or says an impossible size is no SSH value") {
  CHECK_THROWS_WITH(SshReader(std::string("\xff\xff\xff\xff", 4), "x").string(),
                    "x: ends too early");
  CHECK_THROWS_WITH(SshReader("abc", "x").u32(), "x: ends too early");
  CHECK_THROWS_WITH(SshReader("abc", "x").end(), "x: has 3 bytes too many");
  CHECK_THROWS_WITH(SshReader(ssh_string(std::string("a\0b", 3)), "x").text(),
                    "x: has a zero byte in a text");
}

TEST_CASE("a positive number has one encoding") {
  CHECK(positive_of(ssh_string("\x7f")) == "\x7f");
  CHECK(positive_of(ssh_string(std::string("\0\x80", 2))) == "\x80");
  CHECK_THROWS(positive_of(ssh_string("\x80")));
  CHECK_THROWS(positive_of(ssh_string("")));
  CHECK_THROWS(positive_of(ssh_string(std::string("\0", 1))));
  CHECK_THROWS(positive_of(ssh_string(std::string("\0\x7f", 2))));
  CHECK(positive_of(ssh_string(std::string(2048, '\1'))).size() == 2048);
  CHECK_THROWS(positive_of(ssh_string(std::string(2049, '\1'))));
}

TEST_CASE("base64 is decoded where it is what an encoder writes") {
  CHECK(base64_decoded("") == "");
  CHECK(base64_decoded("Zg==") == "f");
  CHECK(base64_decoded("Zm8=") == "fo");
  CHECK(base64_decoded("Zm9v") == "foo");
  for (const auto* bad : {"Zg", "Zg=", "Zh==", "Zm9=", "Z===", "====", "Zm9v=", "Z m9v", "Zm9v\n",
                          "Zg==Zg==", "Zm-_", "Zm9v===="})
    CHECK_FALSE(base64_decoded(bad));
  CHECK_THAT(base64_unpadded("f"), Equals("Zg"));
  CHECK_THAT(base64_unpadded("fo"), Equals("Zm8"));
  CHECK_THAT(base64_unpadded("foobar"), Equals("Zm9vYmFy"));
}

}  // namespace kongfleet::agent::test
