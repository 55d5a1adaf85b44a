// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/error_log.hpp"
#include "agent/lua_error.hpp"
#include "controller/html.hpp"
#include "controller/terminal.hpp"
#include "proto/names.hpp"
#include "tests/fuzz/all_targets.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace kongfleet;
using namespace kongfleet::fuzz;

namespace {

constexpr std::string_view ellipsis = "…";

Manifest one_release() {
  const auto file = [](const char* name) {
    return ManifestFile{*RelativePath::parse(std::string("kong/plugins/my-plugin/") + name), 2,
                        0644, sha256("x\n")};
  };
  return Manifest::build(*PluginName::parse("my-plugin"), *Version::parse("1.0.0"),
                         {file("handler.lua"), file("schema.lua")});
}

}  // namespace

// Whatever a host says, on a terminal and in a page it is text, of bounded length.
int kongfleet_fuzz_escaping(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const std::size_t limit = input.byte();
  const auto text = input.rest();
  const auto shown = printable(text, limit);
  require(harmless(shown) && shown.find('\n') == std::string::npos, "a line stays a line");
  require(shown.size() <= limit + ellipsis.size(), "a limit holds");
  require(printable(printable(text)) == printable(text), "what is printable stays as it is");
  const auto html = controller::html_text(text);
  require(harmless(html) && html.find_first_of("<>\"'") == std::string::npos, "nothing is markup");
  controller::Html page;
  const auto markup = page.open("p", {{"title", std::string(text)}}).text(text).done();
  require(harmless(markup), "a page holds no hidden character");
  controller::Window window;
  window.width = limit % 100;
  const auto row = controller::Row(window).add(shown).to(limit % 50).add(printable(text));
  require(harmless(row.text()) && row.columns() <= window.width + 1, "a row keeps to its width");
  return 0;
}

// However a log comes, its entries are the same in number, and people see text of bounded length.
int kongfleet_fuzz_error_log(const std::uint8_t* data, std::size_t size) {
  Input input(data, size);
  const auto piece = std::size_t{1} + input.byte();
  const int master = input.byte();
  agent::LogParser parser;
  agent::LogParser whole;
  whole.feed(input.rest());
  for (auto rest = input.rest(); !rest.empty(); rest.remove_prefix(std::min(piece, rest.size())))
    parser.feed(rest.substr(0, piece));
  require(parser.entries().size() <= agent::LogParser::entries_max, "entries are bounded");
  require(parser.entries().size() == whole.entries().size(), "pieces do not matter");
  for (const auto& entry : parser.entries()) {
    static_cast<void>(agent::sign_of(entry, master));
    static_cast<void>(agent::crashed_worker(entry));
  }
  const auto excerpt = agent::log_excerpt(parser.entries(), master, 512);
  require(harmless(excerpt) && excerpt.size() <= 512 + ellipsis.size(), "an excerpt is harmless");
  return 0;
}

// Of an excerpt, one line about a file of ours, or nothing.
int kongfleet_fuzz_lua_error(const std::uint8_t* data, std::size_t size) {
  static const std::vector<Manifest> releases = {one_release()};
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto error = agent::lua_error_of(printable(text), "000002-3fa9c1d2e4b0", releases);
  require(harmless(error) && error.size() <= size * 4 + 16, "an error is harmless");
  return 0;
}
