// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/run_answer.hpp"

#include "controller/exit_code.hpp"
#include "controller/json_view.hpp"
#include "controller/live_view.hpp"
#include "controller/text_view.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"

#include <unistd.h>

#include <iostream>

namespace kongfleet::controller {

bool agreed(const std::string& question, bool yes) {
  if (yes) return true;
  if (::isatty(STDIN_FILENO) == 0) throw Error("nobody can be asked here: say --yes");
  std::cerr << question << " [y/N] " << std::flush;
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "yes";
}

int touched_nothing(const Answer& answer, const std::string& command) {
  if (answer.format == OutputFormat::Json)
    answer_mistake(answer, command, "the answer was no; nothing was touched");
  else
    answer.err << "nothing was touched\n";
  return exit_code::interrupted;
}

std::unique_ptr<RunView> view_for(const Answer& answer, RunShape shape) {
  if (answer.format == OutputFormat::Json) return std::make_unique<JsonView>(answer.out);
  if (is_screen(STDERR_FILENO))
    return std::make_unique<LiveView>(std::move(shape), STDERR_FILENO, answer.err);
  return std::make_unique<TextView>(answer.err, shape.kind);
}

void print_run_end(const Answer& answer, const RunEnd& end) {
  if (!end.forgotten.empty())
    answer.err << "warning: how this ended could not be remembered, so it is not over: "
               << end.forgotten << "; 'kongfleet resume " << end.id << "' once that is mended\n";
  if (answer.format == OutputFormat::Json) return print_end_json(answer.out, end);
  print_end(answer.out, end);
}

void print_notes(const FleetRun& run, const Answer& answer) {
  for (const auto& note : run.notes()) answer.err << "note: " << printable(note) << "\n";
}

std::string selection_text(const std::vector<std::string>& selectors) {
  std::string text;
  for (const auto& selector : selectors) text += (text.empty() ? "" : " ") + selector;
  return text;
}

Tell noting(const Answer& answer) {
  return
      [&err = answer.err](const std::string& text) { err << "note: " << printable(text) << "\n"; };
}

void print_troubles(const Answer& answer, const std::vector<std::string>& troubles) {
  for (const auto& trouble : troubles) answer.err << "warning: " << trouble << "\n";
}

}  // namespace kongfleet::controller
