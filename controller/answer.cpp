// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/answer.hpp"

#include "proto/names.hpp"

#include <boost/json.hpp>

#include <ostream>

namespace kongfleet::controller {

void answer_mistake(const Answer& answer, const std::string& command, const std::string& why) {
  if (answer.format == OutputFormat::Text) {
    answer.err << "kongfleet: " << printable(why) << "\n";
    return;
  }
  const boost::json::object document = {
      {"schema", json_schema}, {"command", command}, {"ok", false}, {"error", printable(why)}};
  answer.out << boost::json::serialize(document) << "\n";
}

std::string counted(std::uint64_t number, const std::string& thing) {
  auto digits = std::to_string(number);
  for (auto at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits + " " + thing + (number == 1 ? "" : "s");
}

}  // namespace kongfleet::controller
