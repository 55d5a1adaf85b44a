// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "proto/digest.hpp"
#include "tests/hostile/cases.hpp"
#include "tests/hostile/material.hpp"

#include <cstdio>

namespace kongfleet::hostile {

namespace {

using namespace std::string_literals;

constexpr int files_too_many = 20'001;

WireCase of_text(const std::string& name, const std::string& threat, const std::string& text,
                 const std::string& wanted) {
  return {"manifest: " + name, threat, wanted, [text](Caller& caller) {
            caller.greet();
            return caller.ask(proposal({text}));
          }};
}

WireCases sizes() {
  WireCases cases;
  const std::string wanted = "is not a size from 0 to 268435456";
  for (const std::string size :
       {"-1", "+1", "1e9", "0x10", "046", "1.5", "18446744073709551615", "18446744073709551616",
        "268435457", "9223372036854775808", "NaN", "１"}) {
    cases.push_back(
        of_text("size " + size, "T14", with_last(file_line("z.lua", "0644", size)), wanted));
  }
  cases.push_back(of_text("a size of a thousand digits", "T14",
                          with_last(file_line("z.lua", "0644", std::string(1000, '9'))), wanted));
  cases.push_back(of_text("no size", "T14", with_last(file_line("z.lua", "0644", "")), wanted));
  const auto half =
      file_line("a.lua", "0644", "200000000") + file_line("b.lua", "0644", "200000000");
  cases.push_back(
      of_text("400 MB in all", "T13", with_first(half), "bytes of content, allowed are 268435456"));
  return cases;
}

WireCases digests() {
  const auto hex = sha256("x").hex();
  const auto with = [&](const std::string& digest) {
    return with_last(replaced(file_line("z.lua"), hex, digest));
  };
  const std::string wanted = "the digest is not 64 lower-case hexadecimal digits";
  std::string upper = hex;
  for (char& c : upper) c = c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
  return {of_text("a digest of 63 digits", "T14", with(hex.substr(1)), wanted),
          of_text("a digest of 65 digits", "T14", with(hex + "0"), wanted),
          of_text("a digest in capitals", "T14", with(upper), wanted),
          of_text("a digest with a letter too many", "T14", with("g" + hex.substr(1)), wanted),
          of_text("no digest", "T14", with(""), wanted)};
}

WireCases names() {
  WireCases cases;
  const std::vector<std::string> bad_names = {"Greet",
                                              "-greet",
                                              "_greet",
                                              "greet,x",
                                              "greet#x",
                                              "greet;x",
                                              "greet x",
                                              "../greet",
                                              "gr/eet",
                                              "gr\\eet",
                                              "'greet'",
                                              "\"greet\"",
                                              "[greet]",
                                              "{vault://env/x}",
                                              "gr\xc3\xa9"
                                              "et",
                                              "greet\r",
                                              "greet\t",
                                              "gr=eet",
                                              "gr.eet",
                                              "$(id)",
                                              "%n",
                                              std::string(65, 'a'),
                                              "greet\0"s};
  for (const auto& name : bad_names) {
    cases.push_back(of_text("the name '" + name + "'", "T16",
                            replaced(good_manifest(), "name greet", "name " + name),
                            "is not a plugin name"));
  }
  cases.push_back(of_text("a name with a line end", "T16",
                          replaced(good_manifest(), "name greet", "name greet\nplugins = x"),
                          "line 3: expected 'version …', found 'plugins = x'"));
  for (const auto& version :
       std::vector<std::string>{"-1", ".1", "1/2", "1 2", "1\\2", "$(id)", "1;2", "1\x1b[31m",
                                "1:2", std::string(65, '1'),
                                "\xe2\x80\xae"
                                "1"}) {
    cases.push_back(of_text("the version '" + version + "'", "T16",
                            replaced(good_manifest(), "version 1.0.0", "version " + version),
                            "is not a version"));
  }
  return cases;
}

std::string too_many_files() {
  std::string lines;
  for (int i = 0; i < files_too_many; ++i) {
    char name[16];
    std::snprintf(name, sizeof name, "a/%05d", i);
    lines += file_line(name);
  }
  return with_first(lines);
}

WireCases forms() {
  const auto good = good_manifest();
  std::string crlf;
  for (const char c : good) crlf += c == '\n' ? "\r\n"s : std::string(1, c);
  const auto without = [&](const std::string& line) {
    const auto at = good.find(line);
    return good.substr(0, at) + good.substr(good.find('\n', at) + 1);
  };
  const auto handler_at = good.rfind("file 0644", good.find("handler.lua"));
  return {
      of_text("no text", "T14", "", "line 1: the line is missing or has no end"),
      of_text("text without a line end", "T13", std::string(1U << 20U, 'x'),
              "line 1: the line is missing or has no end"),
      of_text("another version of it", "T14", replaced(good, "manifest 1", "manifest 2"),
              "expected 'kongfleet-manifest 1'"),
      of_text("no version", "T14", without("version"), "expected 'version …'"),
      of_text("no last line end", "T14", good.substr(0, good.size() - 1), "has no end"),
      of_text("line ends of DOS", "T11", crlf, "expected 'kongfleet-manifest 1'"),
      of_text("bytes after it", "T14", good + "x\n", "line 6: expected 'file …', found 'x'"),
      of_text("NUL after it", "T14", good + "\0"s, "line 6: the line is missing or has no end"),
      of_text("an empty line", "T14", good + "\n", "line 6: expected 'file …', found ''"),
      of_text("two of them in one", "T14", good + good, "line 6: expected 'file …'"),
      of_text("a file too many", "T13", too_many_files(), "too many files"),
      of_text("no handler", "T14",
              good.substr(0, handler_at) + good.substr(good.find('\n', handler_at) + 1),
              "handler.lua' is missing"),
      of_text("a module of Kong's", "T16", with_first(file_line("kong/init.lua")),
              "would replace a module of Kong's"),
      of_text("another plugin's handler", "T16",
              with_last(file_line("kong/plugins/key-auth/handler.lua")),
              "would replace a module of Kong's"),
      of_text("Kong's modules in capitals", "T16", with_first(file_line("KONG/x.lua")),
              "would replace a module of Kong's"),
  };
}

// What a signature promises, in ways it cannot have been written.
WireCases terms() {
  const auto with = [](const std::string& lines) {
    return replaced(good_manifest(), "version 1.0.0\n",
                    "version 1.0.0\nfleet edge\nserial 7\nexpires 2099-01-01T00:00:00Z\n" + lines);
  };
  const auto hex = sha256("x").hex();
  std::string many;
  for (int i = 100; i < 165; ++i) many += "with a" + std::to_string(i) + " 1.0.0 " + hex + "\n";
  const auto not_sorted = "what it is with is not sorted by name, or occurs twice";
  return {
      of_text("with itself", "T7", with("with greet 0.9.0 " + hex + "\n"),
              "which is of the same plugin"),
      of_text("with one release twice", "T7",
              with("with auth 1.0.0 " + hex + "\nwith auth 1.0.0 " + hex + "\n"), not_sorted),
      of_text("with two releases of a plugin", "T7",
              with("with auth 1.0.0 " + hex + "\nwith auth 1.0.1 " + hex + "\n"), not_sorted),
      of_text("with releases in another order", "T7",
              with("with beta 1.0.0 " + hex + "\nwith auth 1.0.0 " + hex + "\n"), not_sorted),
      of_text("with a path", "T9", with("with ../auth 1.0.0 " + hex + "\n"),
              "line 7: it is with what is not a plugin name"),
      of_text("with an escape for a version", "T17", with("with auth \x1b[31m " + hex + "\n"),
              "line 7: it is with what is not a version of auth"),
      of_text("with half a digest", "T14", with("with auth 1.0.0 " + hex.substr(32) + "\n"),
              "line 7: the digest is not 64"),
      of_text("with more than a digest", "T14", with("with auth 1.0.0 " + hex + " x\n"),
              "line 7: the digest is not 64"),
      of_text("with too many", "T13", with(many), "line 71: it is with too many releases"),
      of_text("with, but for no fleet", "T7",
              replaced(good_manifest(), "version 1.0.0\n",
                       "version 1.0.0\nwith auth 1.0.0 " + hex + "\n"),
              "line 4: expected 'file …', found 'with auth"),
  };
}

}  // namespace

WireCases manifest_cases() {
  WireCases cases;
  for (auto* part : {sizes, digests, names, forms, terms}) {
    for (auto& each : part()) cases.push_back(std::move(each));
  }
  return cases;
}

}  // namespace kongfleet::hostile
