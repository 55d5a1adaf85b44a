// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "proto/zstd_stream.hpp"

#include "proto/error.hpp"

#include <catch2/catch.hpp>

using namespace kongfleet;

namespace {

std::string unpack(const std::string& compressed, std::uint64_t expected, std::size_t piece) {
  std::string out;
  ZstdReader reader(expected, [&](std::string_view bytes) { out += bytes; });
  for (std::size_t at = 0; at < compressed.size(); at += piece) {
    reader.feed(std::string_view(compressed).substr(at, piece));
  }
  reader.finish();
  return out;
}

}  // namespace

TEST_CASE("content comes back as it was, in pieces of any size") {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{300'000}}) {
    std::string content;
    for (std::size_t i = 0; i < size; ++i) content += static_cast<char>(i * i % 251);
    const auto compressed = zstd_compress(content);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{1000}, std::size_t{1} << 20}) {
      CHECK(unpack(compressed, size, piece) == content);
    }
  }
}

TEST_CASE("a compression bomb is stopped at the announced size") {
  const auto bomb = zstd_compress(std::string(std::size_t{64} << 20, '\0'));
  std::uint64_t seen = 0;
  ZstdReader reader(1000, [&](std::string_view bytes) { seen += bytes.size(); });
  CHECK_THROWS_WITH(reader.feed(bomb), Catch::Contains("more than the 1000 bytes announced"));
  CHECK(seen <= 1000);
}

TEST_CASE("what is cut, altered or too long is refused") {
  const auto compressed = zstd_compress(std::string(5000, 'a') + "tail");
  CHECK_THROWS_AS(unpack(compressed.substr(0, compressed.size() - 1), 5004, 100), Error);
  CHECK_THROWS_AS(unpack(compressed, 5005, 100), Error);
  CHECK_THROWS_AS(unpack(compressed + "x", 5004, 100), Error);
  CHECK_THROWS_AS(unpack(compressed + compressed, 5004, 100), Error);
  CHECK_THROWS_AS(unpack("not zstd at all", 10, 100), Error);
  auto altered = compressed;
  altered[altered.size() - 2] =
      static_cast<char>(altered[altered.size() - 2] ^ 1);  // in the checksum
  CHECK_THROWS_AS(unpack(altered, 5004, 100), Error);
}
