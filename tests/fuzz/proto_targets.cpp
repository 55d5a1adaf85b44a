// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "proto/framing.hpp"
#include "proto/manifest.hpp"
#include "proto/names.hpp"
#include "proto/zstd_stream.hpp"
#include "tests/fuzz/all_targets.hpp"
#include "tests/fuzz/fuzz.hpp"

#include <algorithm>

using namespace kongfleet;
using namespace kongfleet::fuzz;

namespace {

constexpr std::size_t small_frame = 4096;

std::vector<std::string> bodies_of(std::string_view bytes, std::size_t piece) {
  FrameReader reader(small_frame);
  std::vector<std::string> bodies;
  may_refuse([&] {
    while (!bytes.empty()) {
      const auto now = bytes.substr(0, piece);
      reader.feed(now);
      bytes.remove_prefix(now.size());
      while (auto body = reader.next()) bodies.push_back(std::move(*body));
      require(reader.held() < small_frame + 4 + piece, "a reader holds one frame at most");
    }
  });
  return bodies;
}

}  // namespace

// In whatever pieces bytes come, the frames are the same; each written again is what was read.
int kongfleet_fuzz_frames(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const auto piece = std::size_t{1} + input.byte();
  const auto bodies = bodies_of(input.rest(), piece);
  require(bodies == bodies_of(input.rest(), 7), "frames do not depend on how they come");
  std::string again;
  for (const auto& body : bodies) again += frame(body);
  require(input.rest().starts_with(again), "a frame written is the frame read");
  return 0;
}

// One manifest, one text; and nothing in it leads out of its directory.
int kongfleet_fuzz_manifest(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  may_refuse([&] {
    const auto manifest = Manifest::parse(text);
    require(manifest.text() == text, "a manifest's text is canonical");
    for (const auto& file : manifest.files()) {
      require(file.path.text().find("..") != 0 && file.path.text().front() != '/' &&
                  file.path.text().find("/.") == std::string::npos,
              "no path leaves its directory");
      require(file.mode == 0644 || file.mode == 0755, "modes are those two");
    }
    const auto again =
        Manifest::build(manifest.name(), manifest.version(), manifest.files(), manifest.terms());
    require(again.text() == text, "built from its parts it is the same");
  });
  return 0;
}

// Never more content than announced, whatever a frame of zstd claims.
int kongfleet_fuzz_content(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const auto expected = std::size_t{input.byte()} << (input.byte() % 16);
  const auto piece = std::size_t{1} + input.byte() * 16;
  std::size_t produced = 0;
  may_refuse([&] {
    ZstdReader reader(expected, [&](std::string_view bytes) { produced += bytes.size(); });
    for (auto rest = input.rest(); !rest.empty(); rest.remove_prefix(std::min(piece, rest.size())))
      reader.feed(rest.substr(0, piece));
    reader.finish();
    require(produced == expected, "a whole frame has what was announced");
  });
  require(produced <= expected, "no more comes out than was announced");
  const std::string content(input.rest());
  std::string back;
  ZstdReader own(content.size(), [&](std::string_view bytes) { back += bytes; });
  own.feed(zstd_compress(content));
  own.finish();
  require(back == content, "what is compressed comes back");
  return 0;
}
