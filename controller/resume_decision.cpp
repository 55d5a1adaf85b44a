// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/resume_decision.hpp"

namespace kongfleet::controller {

namespace {

constexpr TakenUpHost begins_anew{HostPhase::Waiting, true};

TakenUpHost stays(HostPhase phase) { return {phase, false}; }

// It went back: was that this rollout's will, the release's fault, or neither?
TakenUpHost went_back(HostPhase remembered, HostAnswer answer, TakenUp why) {
  switch (why) {
    case TakenUp::ToTakeBack:
      return stays(HostPhase::Back);
    case TakenUp::AfterStop:
      return begins_anew;
    case TakenUp::AfterDeath:
      break;
  }
  const bool wanted = remembered == HostPhase::Reverting;
  return wanted || answer == HostAnswer::Failed ? stays(HostPhase::Back) : begins_anew;
}

TakenUpHost without_trace(HostPhase remembered, TakenUp why) {
  // A rollback of what was confirmed that the host knows nothing of: it still runs it.
  if (remembered == HostPhase::Kept) return stays(HostPhase::Done);
  return why == TakenUp::ToTakeBack ? stays(HostPhase::Back) : begins_anew;
}

// Nothing is undecided about these: AfterDeath they stay, AfterStop those that failed try again.
TakenUpHost not_asked(HostPhase remembered, TakenUp why) {
  const bool again = why == TakenUp::AfterStop && is_failure(remembered);
  return again ? begins_anew : stays(remembered);
}

}  // namespace

bool is_to_be_asked(HostPhase remembered, TakenUp why) {
  switch (remembered) {
    case HostPhase::Changing:
    case HostPhase::Trial:
    case HostPhase::Confirming:
    case HostPhase::Reverting:
    case HostPhase::Lost:
    case HostPhase::Kept:
      return true;
    case HostPhase::Stranded:
      return why != TakenUp::AfterDeath;
    case HostPhase::Waiting:
    case HostPhase::Done:
    case HostPhase::Unchanged:
    case HostPhase::Back:
    case HostPhase::Refused:
    case HostPhase::Unreachable:
      return false;
  }
  return false;
}

TakenUpHost take_up(HostPhase remembered, HostAnswer answer, TakenUp why) {
  if (!is_to_be_asked(remembered, why)) return not_asked(remembered, why);
  switch (answer) {
    case HostAnswer::Silent:
      return stays(remembered == HostPhase::Kept ? HostPhase::Kept : HostPhase::Lost);
    case HostAnswer::Unknown:
      return without_trace(remembered, why);
    case HostAnswer::Trial:
      return stays(HostPhase::Trial);
    case HostAnswer::Kept:
      return stays(HostPhase::Done);
    case HostAnswer::Undone:
    case HostAnswer::Failed:
      return went_back(remembered, answer, why);
    case HostAnswer::Refused:
      if (why == TakenUp::AfterStop) return begins_anew;
      return stays(HostPhase::Refused);
    case HostAnswer::Stranded:
      return stays(HostPhase::Stranded);
  }
  return stays(HostPhase::Lost);
}

}  // namespace kongfleet::controller
