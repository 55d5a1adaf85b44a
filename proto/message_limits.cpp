// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "proto/message_limits.hpp"

#include "proto/error.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace kongfleet {

namespace {

/// Field `number` of `message` is a `held`; the empty one stands for numbers, one after the other.
struct Holding {
  std::string_view message;
  unsigned number;
  std::string_view held;
};

constexpr Holding holdings[] = {
    {"ToAgent", 1, "Hello"},
    {"ToAgent", 2, "Propose"},
    {"ToAgent", 3, "Blob"},
    {"ToAgent", 4, "Apply"},
    {"ToAgent", 5, "Confirm"},
    {"ToAgent", 6, "Revert"},
    {"ToAgent", 7, "Renew"},
    {"ToAgent", 8, "StatusRequest"},
    {"ToAgent", 9, "HistoryRequest"},
    {"ToAgent", 10, "Rollback"},
    {"ToAgent", 11, "Collect"},
    {"ToAgent", 12, "CheckupRequest"},
    {"ToController", 1, "Welcome"},
    {"ToController", 2, "Plan"},
    {"ToController", 3, "Progress"},
    {"ToController", 4, "Outcome"},
    {"ToController", 5, "Status"},
    {"ToController", 6, "History"},
    {"ToController", 7, "Collected"},
    {"ToController", 8, "Refused"},
    {"ToController", 9, "Checkup"},
    {"Welcome", 4, "HostState"},
    {"HostState", 5, "ReleaseId"},
    {"HostState", 7, "OpenTransaction"},
    {"HostState", 12, ""},
    {"Plan", 5, "ConfLine"},
    {"Plan", 7, "ReleaseChange"},
    {"Plan", 8, "Finding"},
    {"Plan", 9, "Finding"},
    {"Probe", 5, "HeaderRule"},
    {"Apply", 3, "Probe"},
    {"Outcome", 4, "StepRecord"},
    {"Outcome", 5, "Finding"},
    {"Outcome", 6, "ProbeResult"},
    {"Outcome", 8, "Worker"},
    {"Outcome", 9, "HostState"},
    {"Status", 1, "HostState"},
    {"Rollback", 3, "Probe"},
    {"Collected", 1, ""},
    {"Refused", 3, "OpenTransaction"},
    {"Checkup", 1, "Check"},
};

const Holding* holding(std::string_view message, std::uint64_t number) {
  for (const auto& each : holdings) {
    if (each.message == message && each.number == number) return &each;
  }
  return nullptr;
}

std::optional<std::uint64_t> take_number(std::string_view& rest) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !rest.empty(); shift += 7) {
    const auto byte = static_cast<std::uint8_t>(rest.front());
    rest.remove_prefix(1);
    value |= std::uint64_t{byte & 0x7fU} << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

class Counter {
public:
  /// Messages of a kind we know lie four deep at most: nothing recurses any further.
  // NOLINTNEXTLINE(misc-no-recursion)
  void count(std::string_view rest, std::string_view message) {
    while (!rest.empty()) {
      spend();
      const auto tag = take_number(rest);
      if (!tag || !take_value(rest, *tag, message)) return;
    }
  }

private:
  void spend() {
    if (++fields_ > message_fields_max) {
      throw Error("a message of more than " + std::to_string(message_fields_max) + " fields");
    }
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  bool take_value(std::string_view& rest, std::uint64_t tag, std::string_view message) {
    switch (tag & 7U) {
      case 0:
        return take_number(rest).has_value();
      case 1:
        return skip(rest, 8);
      case 2:
        break;
      case 5:
        return skip(rest, 4);
      default:
        return true;  // a group's begin and end, which no message of ours has
    }
    const auto length = take_number(rest);
    if (!length || *length > rest.size()) return false;
    const auto bytes = rest.substr(0, static_cast<std::size_t>(*length));
    rest.remove_prefix(bytes.size());
    const auto* held = holding(message, tag >> 3U);
    if (held != nullptr && held->held.empty()) {
      for (std::size_t i = 0; i < bytes.size(); ++i) spend();
    } else if (held != nullptr) {
      count(bytes, held->held);
    }
    return true;
  }

  static bool skip(std::string_view& rest, std::size_t bytes) {
    if (rest.size() < bytes) return false;
    rest.remove_prefix(bytes);
    return true;
  }

  std::size_t fields_ = 0;
};

}  // namespace

void check_message_fields(std::string_view bytes, MessageKind kind) {
  Counter().count(bytes, kind == MessageKind::ToAgent ? "ToAgent" : "ToController");
}

bool holds_fields(std::string_view message, unsigned number) {
  return holding(message, number) != nullptr;
}

}  // namespace kongfleet
