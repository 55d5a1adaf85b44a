// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "proto/zstd_stream.hpp"
#include "tests/hostile/cases.hpp"
#include "tests/hostile/material.hpp"

namespace kongfleet::hostile {

namespace {

using namespace std::string_literals;

constexpr std::size_t bomb_bytes = std::size_t{64} << 20;

enum class Last { No, Yes };

wire::ToAgent blob(const std::string& data, Last last) {
  wire::ToAgent message;
  message.mutable_blob()->set_data(data);
  message.mutable_blob()->set_last(last == Last::Yes);
  return message;
}

wire::ToAgent apply_of(const Caller& caller) {
  wire::ToAgent message;
  message.mutable_apply()->set_transaction("hostile");
  message.mutable_apply()->set_plan(caller.heard().plan().id());
  return message;
}

/// Content after a proposal that was good, then an order to apply it.
WireCase sending(const std::string& name, const std::string& threat, const std::string& wanted,
                 const std::function<std::vector<wire::ToAgent>()>& blobs) {
  return {"content: " + name, threat, wanted,
          [blobs](Caller& caller) {
            caller.greet();
            caller.ask(proposal({good_manifest()}));
            const auto apply = apply_of(caller);
            for (const auto& each : blobs()) caller.say(each);
            const auto said = caller.ask(apply);
            return said == "plan" ? caller.hear() : said;
          },
          Leaves::ReceivedContent};
}

WireCase sending(const std::string& name, const std::string& threat, const std::string& wanted,
                 const std::string& data) {
  return sending(name, threat, wanted,
                 [data] { return std::vector<wire::ToAgent>{blob(data, Last::Yes)}; });
}

WireCases spoiled() {
  const auto packed = zstd_compress(good_content());
  const auto all = std::to_string(good_content().size());
  const std::string more = "compressed content: more than the " + all + " bytes announced";
  const std::string trailing = "compressed content: bytes after its end";
  auto wrong_sum = packed;
  wrong_sum.back() = static_cast<char>(wrong_sum.back() ^ 1);
  // A frame that says it needs a window of 3.75 TiB, and one of 16 MiB: ours is 8.
  const auto window = "\x28\xb5\x2f\xfd\x04\xf8"s + std::string(4, '\0');
  const auto wide = "\x28\xb5\x2f\xfd\x04\x70"s + std::string(4, '\0');
  return {
      sending("that is not compressed", "T14", "compressed content: ", good_content()),
      sending("compressed by another program", "T14",
              "compressed content: ", "\x1f\x8b\x08\0\0\0\0\0\0\x03"s),
      sending("of one byte more", "T14", more, zstd_compress(good_content() + "x")),
      sending("of one byte less", "T14", "compressed content: ends after ",
              zstd_compress(good_content().substr(1))),
      sending("of none at all", "T14", "compressed content: ends after 0 of " + all, ""),
      sending("of an empty frame", "T14", "compressed content: ends after 0 of " + all,
              zstd_compress("")),
      sending("that is cut", "T14", "compressed content: ends after ",
              packed.substr(0, packed.size() - 4)),
      sending("with bytes after it", "T14", trailing, packed + "x"),
      sending("with a second frame", "T14", trailing, packed + packed),
      sending("with a wrong checksum", "T14", "compressed content: ", wrong_sum),
      sending("with a window of terabytes", "T13", "compressed content: ", window),
      sending("with a window of 16 MiB", "T13", "compressed content: ", wide),
      sending("of another release", "T14", "its content is not what the manifest says",
              zstd_compress(replaced(good_content(), "1000", "1001"))),
      sending("a bomb of 64 MiB", "T13", more, zstd_compress(std::string(bomb_bytes, '\0'))),
  };
}

WireCases out_of_order() {
  const auto packed = zstd_compress(good_content());
  return {
      {"content: that nobody asked for", "T23", "content came that nobody asked for",
       [](Caller& caller) {
         caller.greet();
         return caller.ask(blob("x", Last::No));
       }},
      {"content: after a plan that was refused", "T23", "content came that nobody asked for",
       [packed](Caller& caller) {
         caller.greet();
         caller.ask(proposal({good_manifest(), good_manifest()}));
         return caller.ask(blob(packed, Last::Yes));
       }},
      sending("of which the last is missing", "T23", "apply came before all content",
              [packed] { return std::vector<wire::ToAgent>{blob(packed, Last::No)}; }),
      sending(
          "of which half is missing", "T23", "apply came before all content",
          [packed] { return std::vector<wire::ToAgent>{blob(packed.substr(0, 20), Last::No)}; }),
      sending("before which apply came", "T23", "apply came before all content",
              [] { return std::vector<wire::ToAgent>{}; }),
      sending("with more after the last", "T23", "compressed content: bytes after its end",
              [packed] {
                return std::vector<wire::ToAgent>{blob(packed, Last::Yes), blob("x", Last::Yes)};
              }),
      sending("that is proposed anew in the midst of it", "T23", "apply came before all content",
              [packed] {
                return std::vector<wire::ToAgent>{blob(packed.substr(0, 20), Last::No),
                                                  proposal({good_manifest()})};
              }),
      {"content: and then nothing more", "T23", "closed",
       [packed](Caller& caller) {
         caller.greet();
         caller.ask(proposal({good_manifest()}));
         caller.say(blob(packed.substr(0, 20), Last::No));
         caller.hang_up();
         return caller.hear();
       },
       Leaves::ReceivedContent},
  };
}

}  // namespace

WireCases content_cases() {
  WireCases cases;
  for (auto* part : {spoiled, out_of_order}) {
    for (auto& each : part()) cases.push_back(std::move(each));
  }
  return cases;
}

}  // namespace kongfleet::hostile
