// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/history.hpp"

#include "agent/durable_file.hpp"
#include "agent/log.hpp"
#include "agent/utc_time.hpp"
#include "proto/names.hpp"

#include <boost/json.hpp>

#include <ctime>
#include <fstream>

namespace kongfleet::agent {

namespace json = boost::json;

namespace {

json::array steps_json(const std::vector<StepTime>& steps) {
  json::array array;
  for (const auto& step : steps) {
    json::object object{{"step", step_name(step.step)}, {"ms", step.took.count()}, {"ok", step.ok}};
    if (!step.detail.empty()) object["detail"] = printable(step.detail);
    array.push_back(std::move(object));
  }
  return array;
}

}  // namespace

std::string_view result_name(Result result) {
  switch (result) {
    case Result::Unknown:
      return "unknown";
    case Result::Unchanged:
      return "unchanged";
    case Result::Refused:
      return "refused";
    case Result::Trial:
      return "trial";
    case Result::Committed:
      return "committed";
    case Result::RolledBack:
      return "rolled-back";
    case Result::Stranded:
      return "stranded";
  }
  return "unknown";
}

// A line that the power's end tore has no end of its own.
bool History::torn() const {
  std::ifstream file(path_, std::ios::binary | std::ios::ate);
  if (!file || file.tellg() <= 0) return false;
  file.seekg(-1, std::ios::end);
  return file.get() != '\n';
}

void History::add(const Outcome& outcome, const std::string& holder, std::uint64_t from,
                  std::uint64_t to) const noexcept {
  try {
    const json::object line{{"time", utc_text(std::time(nullptr))},
                            {"transaction", printable(outcome.transaction)},
                            {"holder", printable(holder)},
                            {"result", result_name(outcome.result)},
                            {"from", from},
                            {"to", to},
                            {"cause", printable(outcome.cause)},
                            {"steps", steps_json(outcome.steps)}};
    const bool lasts = lasts_ && std::filesystem::exists(path_);  // somebody may rotate it
    append_line(path_, (torn() ? "\n" : "") + json::serialize(line), 0640);
    if (!lasts) sync_directory(path_.parent_path());  // a file's name lasts only by this
    lasts_ = true;
  } catch (const std::exception& error) {
    log_warning(std::string(error.what()) + "; the transaction stands, its history line is lost");
  }
}

std::vector<std::string> History::last(std::size_t limit) const {
  std::string text;
  std::vector<std::string> lines;
  if (!read_file_if_there(path_, text)) return lines;
  for (std::size_t start = 0; start < text.size();) {
    const auto end = std::min(text.find('\n', start), text.size());
    if (end > start) lines.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  if (lines.size() > limit) lines.erase(lines.begin(), lines.end() - static_cast<long>(limit));
  return lines;
}

}  // namespace kongfleet::agent
