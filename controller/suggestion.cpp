// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/suggestion.hpp"

#include "proto/names.hpp"

#include <algorithm>

namespace kongfleet::controller {

namespace {

constexpr std::size_t compared_max = 100;  // bytes: nobody mistypes more, and the table stays small
constexpr std::size_t listed_max = 20;

std::string folded(std::string_view text) {
  std::string out(text.substr(0, compared_max));
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (c == '-') c = '_';
  }
  return out;
}

// The "optimal string alignment" distance, in three rows.
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t changed = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, changed});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

}  // namespace

std::string nearest(std::string_view found, const std::vector<std::string>& candidates) {
  const auto wanted = folded(found);
  std::string best;
  std::size_t best_distance = 0;
  for (const auto& candidate : candidates) {
    const auto apart = distance(wanted, folded(candidate));
    if (apart > std::max<std::size_t>(1, candidate.size() / 3)) continue;
    if (best.empty() || apart < best_distance) {
      best = candidate;
      best_distance = apart;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view found, const std::vector<std::string>& candidates,
                         const std::string& otherwise) {
  const auto best = nearest(found, candidates);
  return best.empty() ? otherwise : "did you mean '" + best + "'?";
}

std::string quoted_list(const std::vector<std::string>& names) {
  std::string text;
  const auto shown = std::min(names.size(), listed_max);
  for (std::size_t i = 0; i < shown; ++i) {
    if (i > 0) text += i + 1 == names.size() ? " and " : ", ";
    text += "'" + printable(names[i], 100) + "'";
  }
  if (shown < names.size()) text += " and " + std::to_string(names.size() - shown) + " more";
  return text;
}

}  // namespace kongfleet::controller
