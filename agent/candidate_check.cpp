// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/candidate_check.hpp"

#include "agent/durable_file.hpp"
#include "agent/kong_conf.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace kongfleet::agent {
namespace {

// A line has at most some 1,200 bytes, and more mistakes than are told say nothing new.
constexpr std::size_t report_bytes_max = std::size_t{1} << 20;
constexpr std::size_t mistakes_max = 50;
constexpr std::size_t text_max = 1000;
constexpr unsigned line_max = 10'000'000;

// Kong checks VERSION and PRIORITY of every plugin, of this one too.
constexpr std::string_view schema =
    "return { name = \"kongfleet-preflight\", fields = {\n"
    "  { config = { type = \"record\", fields = {} } },\n} }\n";

// Nothing in it may make Kong fail: all of it runs in a pcall. A module that fails is forgotten
// again, with all that it had required, so that Kong meets the same failure itself and tells it in
// its own words. The compiler is off meanwhile: no hook is called inside of compiled code.
constexpr std::string_view handler = R"lua(
local function work(root)
  local report = assert(io.open(root .. "/report", "a"))
  report:setvbuf("line")
  local function tell(...)
    local fields = { ... }
    for i = 1, #fields do fields[i] = tostring(fields[i]):gsub("%c", " "):sub(1, 1000) end
    report:write(table.concat(fields, "\t"), "\n")
  end

  local generation
  local plugins = {}
  for line in io.lines(root .. "/input") do
    local kind, text = line:match("^(%a+) (.*)$")
    if kind == "generation" then
      generation = text
    elseif kind == "plugin" then
      plugins[#plugins + 1] = text
    else
      local chunk, err = loadfile(generation .. "/" .. text)
      local number, why = tostring(err):match("^.-:(%d+): (.*)$")
      if not chunk then tell("mistake", text, number or 0, why or err) end
    end
  end
  tell("end")

  -- What a module returns; nothing where it fails: then it is as if it had never been required.
  local function required(name)
    local before = {}
    for loaded in pairs(package.loaded) do before[loaded] = true end
    local ok, module = pcall(require, name)
    if ok then return module end
    for loaded in pairs(package.loaded) do
      if not before[loaded] then package.loaded[loaded] = nil end
    end
  end

  local function watched(plugin, work_on)
    local began = os.time()
    debug.sethook(function()
      if os.time() - began < 2 then return end
      began = os.time()
      local at = debug.getinfo(2, "Sl")
      local file = at.source:sub(1, 1) == "@" and at.source:sub(2) or ""
      if file:sub(1, #generation + 1) == generation .. "/" then file = file:sub(#generation + 2) end
      tell("hanging", file, at.currentline, plugin)
    end, "", 100000)
    tell("loading", plugin)
    work_on("kong.plugins." .. plugin)
    tell("loaded", plugin)
    debug.sethook()
  end

  for _, plugin in ipairs(plugins) do
    watched(plugin, function(home)
      local handler = required(home .. ".handler")
      if type(handler) == "table" and type(handler.VERSION) == "string" then
        tell("version", plugin, handler.VERSION)
      end
      required(home .. ".schema")
    end)
  end
  report:close()
end

local compiled = jit.status()
jit.off()
pcall(work, debug.getinfo(1, "S").source:match("^@(.*)/kong/plugins/[^/]+/handler%.lua$"))
if compiled then jit.on() end
return { PRIORITY = 1, VERSION = "1.0.0" }
)lua";

void write_file(const fs::path& path, std::string_view text) {
  write_all(create_file(path, 0644), text, path);
}

std::string read_all(const Fd& file) {
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return "";
  std::string text(std::min(static_cast<std::size_t>(status.st_size), report_bytes_max), '\0');
  const auto count = ::pread(file.get(), text.data(), text.size(), 0);
  text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  return text;
}

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  for (auto tab = line.find('\t'); tab != std::string_view::npos; tab = line.find('\t')) {
    fields.push_back(line.substr(0, tab));
    line.remove_prefix(tab + 1);
  }
  fields.push_back(line);
  return fields;
}

std::optional<unsigned> number_in(std::string_view text) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number > line_max)
    return std::nullopt;
  return number;
}

/// "1", "1.2", "1.2.3": what Kong 3 takes, and tells as it stands. Of "1.2.3-rc1" it tells a part.
bool plain_version(std::string_view text) {
  unsigned parts = 0;
  while (!text.empty() && ++parts <= 3) {
    const auto dot = std::min(text.find('.'), text.size());
    if (dot > 9 || !number_in(text.substr(0, dot))) return false;
    if (dot + 1 == text.size()) return false;
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  return parts > 0 && text.empty();
}

Finding finding_of(std::string_view code, std::string_view file, unsigned line) {
  Finding finding;
  finding.code = code;
  finding.plugin = plugin_of(file);
  finding.file = file;
  finding.line = line;
  return finding;
}

Finding mistake(std::string_view file, unsigned line, std::string_view text) {
  auto finding = finding_of("syntax", file, line);
  finding.text = printable(text, text_max);
  finding.advice = line == 0 ? "make the file readable for Kong" : "correct the Lua syntax there";
  return finding;
}

Finding unfinished(std::string_view plugin, std::string_view file, unsigned line) {
  auto finding = finding_of("load", file, line);
  finding.plugin = plugin;
  return finding;
}

}  // namespace

std::string plugin_of(std::string_view file) {
  constexpr std::string_view home = "kong/plugins/";
  if (!file.starts_with(home)) return "";
  file.remove_prefix(home.size());
  const auto slash = file.find('/');
  return slash == std::string_view::npos ? "" : std::string(file.substr(0, slash));
}

CandidateCheck::CandidateCheck(const fs::path& directory, const Candidate& candidate)
    : name_("kongfleet-preflight") {
  const auto listed = split_list(candidate.plugins);
  while (std::find(listed.begin(), listed.end(), name_) != listed.end()) name_ += "-x";
  path_ = candidate.lua_package_path;
  path_ += (path_.ends_with(";") ? "" : ";") + (directory / "?.lua").string();
  plugins_ = candidate.plugins + "," + name_;
  for (const auto& entry : fs::recursive_directory_iterator(candidate.generation)) {
    const auto file = entry.path().lexically_relative(candidate.generation);
    if (file.extension() == ".lua" && entry.is_regular_file()) files_.insert(file.string());
  }
  std::string input = "generation " + candidate.generation.string() + "\n";
  for (const auto& file : files_) input += "file " + file + "\n";
  for (const auto& plugin : listed) {
    const bool ours = files_.contains("kong/plugins/" + plugin + "/handler.lua");
    if (ours && loaded_.insert(plugin).second) input += "plugin " + plugin + "\n";
  }
  const auto home = directory / "kong/plugins" / name_;
  fs::create_directories(home);
  write_file(home / "handler.lua", handler);
  write_file(home / "schema.lua", schema);
  write_file(directory / "input", input);
  // Read again through this descriptor only: what a plugin puts in its place is not opened.
  create_file(directory / "report", 0600);
  report_ = Fd(::open((directory / "report").c_str(), O_RDONLY | O_CLOEXEC));
  if (!report_) throw_errno("open", directory / "report");
}

CheckReport CandidateCheck::report() const {
  return parse_check_report(read_all(report_), files_, loaded_);
}

CheckReport parse_check_report(std::string_view text, const std::set<std::string>& files,
                               const std::set<std::string>& plugins) {
  CheckReport report;
  const auto known = [](const std::set<std::string>& names, std::string_view name) {
    return names.contains(std::string(name));
  };
  for (auto end = text.find('\n'); end != std::string_view::npos; end = text.find('\n')) {
    const auto field = fields_of(text.substr(0, end));
    text.remove_prefix(end + 1);
    const auto& kind = field.front();
    if (kind == "end") report.complete = true;
    if (kind == "loaded") report.unfinished.reset();
    if (field.size() == 2 && kind == "loading" && known(plugins, field[1]))
      report.unfinished = unfinished(field[1], "", 0);
    if (field.size() == 3 && kind == "version" && known(plugins, field[1]) &&
        plain_version(field[2]))
      report.versions.emplace_back(field[1], field[2]);
    const auto line = field.size() == 4 ? number_in(field[2]) : std::nullopt;
    if (!line) continue;
    if (kind == "mistake" && known(files, field[1]) && report.mistakes.size() < mistakes_max)
      report.mistakes.push_back(mistake(field[1], *line, field[3]));
    if (kind == "hanging" && report.unfinished && known(files, field[1]) &&
        report.unfinished->plugin == field[3])
      report.unfinished = unfinished(field[3], field[1], *line);
  }
  return report;
}

}  // namespace kongfleet::agent
