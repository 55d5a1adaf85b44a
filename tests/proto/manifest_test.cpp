// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "proto/manifest.hpp"

#include "proto/error.hpp"

#include <catch2/catch.hpp>

using namespace kongfleet;

namespace {

const std::string zeros(64, '0');

ManifestFile file(const std::string& path, std::uint64_t size = 3) {
  return {*RelativePath::parse(path), size, 0644, sha256("abc")};
}

std::vector<ManifestFile> files() {
  return {file("kong/plugins/my-plugin/schema.lua"), file("kong/plugins/my-plugin/handler.lua")};
}

Manifest good() {
  return Manifest::build(*PluginName::parse("my-plugin"), *Version::parse("1.0.0"), files());
}

std::string refusal(const std::string& text) {
  try {
    Manifest::parse(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

std::string refusal(std::vector<ManifestFile> more) {
  auto all = files();
  all.insert(all.end(), more.begin(), more.end());
  try {
    Manifest::build(*PluginName::parse("my-plugin"), *Version::parse("1.0.0"), std::move(all));
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("a manifest has one text, sorted, and its digest is the release's identity") {
  const auto manifest = good();
  const auto abc = sha256("abc").hex();
  CHECK(manifest.text() ==
        "kongfleet-manifest 1\nname my-plugin\nversion 1.0.0\n"
        "file 0644 3 " +
            abc +
            " kong/plugins/my-plugin/handler.lua\n"
            "file 0644 3 " +
            abc + " kong/plugins/my-plugin/schema.lua\n");
  CHECK(manifest.digest() == sha256(manifest.text()));
  CHECK(manifest.release() == "my-plugin@1.0.0");
  CHECK(manifest.content_bytes() == 6);
  const auto again = Manifest::parse(manifest.text());
  CHECK(again.files() == manifest.files());
  CHECK(again.digest() == manifest.digest());
}

TEST_CASE("any text but the canonical one is refused with its line") {
  const auto text = good().text();
  CHECK(refusal("") == "manifest, line 1: the line is missing or has no end");
  CHECK(refusal("kongfleet-manifest 2\n") == "manifest, line 1: expected 'kongfleet-manifest 1'");
  CHECK(refusal(text + "x").find("line 6: the line is missing or has no end") != std::string::npos);
  CHECK(refusal(text + "\n").find("line 6: expected 'file …', found ''") != std::string::npos);
  auto swapped = text;
  swapped.replace(swapped.find("handler.lua"), 11, "zhandler.lu");
  CHECK(refusal(swapped).find("line 5: files are not sorted") != std::string::npos);
  for (const auto& [from, to, why] : std::vector<std::tuple<std::string, std::string, std::string>>{
           {"0644", "0777", "the mode is neither 0644 nor 0755"},
           {"0644", "04755", "the mode is neither"},
           {" 3 ", " 03 ", "is not a size"},
           {" 3 ", " -3 ", "is not a size"},
           {" 3 ", " 18446744073709551616 ", "is not a size"},
           {" 3 ", " 268435457 ", "is not a size"},
           {" 3 ", "  ", "is not a size"},
           {"handler.lua", "../../x", "has a component '..'"},
           {"name my-plugin", "name My", "line 2: 'My' is not a plugin name"},
           {"version 1.0.0", "version ../x", "line 3: '../x' is not a version"},
           {sha256("abc").hex(), std::string(63, 'a'), "the digest is not"},
           {sha256("abc").hex(), std::string(64, 'A'), "the digest is not"}}) {
    auto broken = text;
    broken.replace(broken.find(from), from.size(), to);
    CHECK(refusal(broken).find(why) != std::string::npos);
  }
}

TEST_CASE("the terms of a signature are part of the text and not of the release's identity") {
  const ReleaseTerms terms{.fleet = "edge", .serial = 7, .expires = 1'803'736'800};
  const auto bound =
      Manifest::build(*PluginName::parse("my-plugin"), *Version::parse("1.0.0"), files(), terms);
  CHECK(bound.text().find("version 1.0.0\nfleet edge\nserial 7\nexpires 2027-02-27T14:00:00Z\n"
                          "file 0644") != std::string::npos);
  CHECK(bound.digest() == good().digest());
  CHECK_FALSE(good().terms());
  const auto again = Manifest::parse(bound.text());
  CHECK(again.terms() == terms);
  CHECK(again.text() == bound.text());
  CHECK(again.digest() == good().digest());
}

TEST_CASE("what a release was signed to run with is part of its terms, in order") {
  const auto other = [](const char* name) {
    return Companion{*PluginName::parse(name), *Version::parse("1.4.0"), sha256(name)};
  };
  const auto build = [](std::vector<Companion> with) {
    ReleaseTerms terms{.fleet = "edge", .serial = 7, .expires = 0};
    terms.with = std::move(with);
    return Manifest::build(*PluginName::parse("my-plugin"), *Version::parse("1.0.0"), files(),
                           terms);
  };
  const auto bound = build({other("b"), other("a")});
  CHECK(bound.text().find("expires 1970-01-01T00:00:00Z\nwith a 1.4.0 " + sha256("a").hex() +
                          "\nwith b 1.4.0 " + sha256("b").hex() + "\nfile 0644") !=
        std::string::npos);
  CHECK(bound.digest() == good().digest());
  CHECK(Manifest::parse(bound.text()).terms() == bound.terms());
  CHECK_THROWS_WITH(build({other("a"), other("a")}), "manifest: it is with two releases of a");
  CHECK_THROWS_WITH(build({other("my-plugin")}),
                    "manifest: it is with my-plugin@1.4.0, which is of the same plugin");
  std::vector<Companion> many;
  for (std::size_t i = 0; i < companions_max; ++i)
    many.push_back(other(("a" + std::to_string(i)).c_str()));
  CHECK(Manifest::parse(build(many).text()).terms()->with.size() == companions_max);
  many.push_back(other("b"));
  CHECK_THROWS_WITH(build(many), "manifest: it is with 65 releases, allowed are 64");
}

TEST_CASE("what a release is with, in any form but the canonical one, is refused with its line") {
  ReleaseTerms terms{.fleet = "edge", .serial = 7, .expires = 0};
  for (const char* name : {"a", "b"})
    terms.with.push_back({*PluginName::parse(name), *Version::parse("1.4.0"), sha256(name)});
  const auto text =
      Manifest::build(*PluginName::parse("my-plugin"), *Version::parse("1.0.0"), files(), terms)
          .text();
  std::string many;
  for (std::size_t i = 10; i < 10 + companions_max; ++i)
    many += "with a" + std::to_string(i) + " 1.4.0 " + sha256("a").hex() + "\n";
  for (const auto& [from, to, why] : std::vector<std::tuple<std::string, std::string, std::string>>{
           {"with a 1", "with A 1", "line 7: it is with what is not a plugin name"},
           {"with a 1.4.0", "with a  1.4.0", "line 7: it is with what is not a version of a"},
           {"with b 1.4.0 ", "with b 1.4.0  ", "line 8: the digest is not"},
           {sha256("b").hex(), sha256("b").hex() + " ", "line 8: the digest is not"},
           {"with b", "with a", "line 8: what it is with is not sorted by name, or occurs twice"},
           {"with a", "with c", "line 8: what it is with is not sorted by name, or occurs twice"},
           {"with a", "with my-plugin", "line 8: what it is with is not sorted"},
           {"with b", "with my-plugin", "which is of the same plugin"},
           {"with a", "with", "line 7: "},
           {"with b", many + "with b", "line 71: it is with too many releases"}}) {
    auto changed = text;
    changed.replace(changed.find(from), from.size(), to);
    CHECK_THROWS_WITH(Manifest::parse(changed), Catch::Contains(why));
  }
}

TEST_CASE("terms in any form but the canonical one are refused with their line") {
  const auto text =
      Manifest::build(*PluginName::parse("my-plugin"), *Version::parse("1.0.0"), files(),
                      ReleaseTerms{.fleet = "edge", .serial = 7, .expires = 0})
          .text();
  for (const auto& [from, to, why] : std::vector<std::tuple<std::string, std::string, std::string>>{
           {"fleet edge\n", "", "line 4: expected 'file …', found 'serial 7'"},
           {"serial 7\n", "", "line 5: expected 'serial …'"},
           {"expires 1970-01-01T00:00:00Z\n", "", "line 6: expected 'expires …'"},
           {"fleet edge", "fleet ../e", "line 4: '../e' is not a fleet's name"},
           {"fleet edge", "fleet ", "line 4: '' is not a fleet's name"},
           {"fleet edge", "fleet  edge", "line 4: ' edge' is not a fleet's name"},
           {"serial 7", "serial 0", "line 5: '0' is not a serial number"},
           {"serial 7", "serial 07", "line 5: '07' is not"},
           {"serial 7", "serial -7", "line 5: '-7' is not"},
           {"serial 7", "serial 7 ", "line 5: '7 ' is not"},
           {"serial 7", "serial 1000000000000000000", "is not a serial number from 1 to 999999"},
           {"serial 7", "serial 99999999999999999999999", "is not a serial number"},
           {"1970-01-01T00:00:00Z", "1970-01-01T00:00:00", "line 6: '1970-01-01T00:00:00' is not"},
           {"1970-01-01T", "1969-12-31T", "is not a time like"},
           {"1970-01-01T", "1970-02-29T", "is not a time like"},
           {"1970-01-01T", "1970-13-01T", "is not a time like"},
           {"1970-01-01T", "1970-01-01 ", "is not a time like"},
           {"T00:00:00Z", "T24:00:00Z", "is not a time like"},
           {"T00:00:00Z", "T00:60:00Z", "is not a time like"},
           {"T00:00:00Z", "T00:00:00+00:00", "is not a time like"}}) {
    auto broken = text;
    broken.replace(broken.find(from), from.size(), to);
    INFO(broken);
    CHECK_THAT(refusal(broken), Catch::Contains(why));
  }
}

TEST_CASE("an expiry is read as it was written") {
  for (const std::int64_t time : {0LL, 951'827'696LL, 1'803'736'800LL, 253'402'300'799LL}) {
    CHECK(parse_expiry(expiry_text(time)) == time);
  }
  CHECK(expiry_text(951'827'696) == "2000-02-29T12:34:56Z");
}

TEST_CASE("files that can't be side by side are refused") {
  CHECK(refusal({file("lib/a.lua"), file("lib/a.lua")}).find("occurs twice") != std::string::npos);
  CHECK(refusal({file("lib/A.lua"), file("lib/a.lua")}).find("differs only in case") !=
        std::string::npos);
  CHECK(refusal({file("lib"), file("lib/a.lua")}) ==
        "manifest: 'lib' is both a file and a directory");
  CHECK(refusal({file("Lib"), file("lib/a.lua")}) ==
        "manifest: 'lib' is both a file and a directory");
}

TEST_CASE("a release can't bring modules of Kong's or of another plugin") {
  for (const char* path : {"kong/init.lua", "kong/plugins/cors/handler.lua",
                           "kong/plugins/my-plugin2/x.lua", "Kong/x.lua"}) {
    CHECK(refusal({file(path)}).find("would replace a module") != std::string::npos);
  }
  CHECK(refusal({file("resty/mine.lua")}) == "accepted");
}

TEST_CASE("handler and schema must be there") {
  const auto build = [](std::vector<ManifestFile> some) {
    return Manifest::build(*PluginName::parse("my-plugin"), *Version::parse("1"), std::move(some));
  };
  CHECK_THROWS_WITH(build({files()[0]}),
                    "manifest: 'kong/plugins/my-plugin/handler.lua' is missing; Kong needs it to "
                    "load the plugin");
  CHECK_THROWS_WITH(build({files()[1]}), Catch::Contains("schema.lua' is missing"));
}

TEST_CASE("too much content or too many files are refused") {
  CHECK(refusal({file("a", manifest_content_max)}).find("bytes of content, allowed are") !=
        std::string::npos);
  std::vector<ManifestFile> many;
  for (std::size_t i = 0; i < manifest_files_max; ++i)
    many.push_back(file("f/" + std::to_string(i)));
  CHECK(refusal(many).find("20002 files, allowed are 20000") != std::string::npos);
}

TEST_CASE("a generation's digest depends on its releases, not on their order") {
  const auto a = good();
  auto other = files();
  for (auto& one : other)
    one.path = *RelativePath::parse("kong/plugins/b/" + one.path.text().substr(23));
  const auto b = Manifest::build(*PluginName::parse("b"), *Version::parse("2"), other);
  CHECK(generation_digest({a, b}) == generation_digest({b, a}));
  CHECK(generation_digest({a}) != generation_digest({b}));
  CHECK(generation_digest({}) == sha256(""));
}
