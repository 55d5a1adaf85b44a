// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "proto/framing.hpp"

#include "proto/error.hpp"

#include <catch2/catch.hpp>

using namespace kongfleet;

TEST_CASE("a frame is its length in four bytes, most significant first, and the body") {
  CHECK(frame("abc") == std::string("\0\0\0\3abc", 7));
  CHECK(frame(std::string(258, 'x')).substr(0, 4) == std::string("\0\0\1\2", 4));
}

TEST_CASE("frames come back whole however the bytes are cut") {
  const auto stream = frame("one") + frame("two!") + frame(std::string(70'000, 'z'));
  for (const std::size_t piece :
       {std::size_t{1}, std::size_t{2}, std::size_t{5}, std::size_t{4096}, stream.size()}) {
    FrameReader reader;
    std::vector<std::string> bodies;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      reader.feed(std::string_view(stream).substr(at, piece));
      while (auto body = reader.next()) bodies.push_back(*body);
    }
    REQUIRE(bodies.size() == 3);
    CHECK(bodies[0] == "one");
    CHECK(bodies[1] == "two!");
    CHECK(bodies[2].size() == 70'000);
    CHECK(reader.pending() == 0);
  }
}

TEST_CASE("a length beyond the limit is refused before its bytes come") {
  FrameReader reader(100);
  reader.feed(std::string("\0\0\0\x65", 4));
  CHECK_THROWS_AS(reader.next(), Error);
  FrameReader greedy;
  greedy.feed("\xff\xff\xff\xff");
  CHECK_THROWS_AS(greedy.next(), Error);
}

TEST_CASE("an empty frame is refused by reader and writer") {
  FrameReader reader;
  reader.feed(std::string(4, '\0'));
  CHECK_THROWS_AS(reader.next(), Error);
  CHECK_THROWS_AS(frame(""), Error);
  CHECK_THROWS_AS(frame(std::string(frame_bytes_max + 1, 'x')), Error);
}

TEST_CASE("an unfinished frame is pending, not an error") {
  FrameReader reader;
  reader.feed(frame("hello").substr(0, 6));
  CHECK_FALSE(reader.next());
  CHECK(reader.pending() == 6);
}

TEST_CASE("what was given back is let go, also of a peer that sends frame by frame") {
  FrameReader reader;
  for (int i = 0; i < 100; ++i) {
    reader.feed(frame(std::string(1000, 'x')));
    while (reader.next()) continue;
  }
  CHECK(reader.held() == 0);
}
