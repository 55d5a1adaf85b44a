// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// Transactions' part that has to do with what an agent before left: open, unsynced or untold.
#include "agent/log.hpp"
#include "agent/transactions.hpp"
#include "proto/error.hpp"

namespace kongfleet::agent {

namespace {

constexpr auto recovery_limit = std::chrono::minutes(5);

}  // namespace

// What an agent that died left open; or, stranded, what could not be taken back before.
Outcome Transactions::resolve_open(Witness witness, const ProgressSink& progress) {
  const auto open = *journal_.record().open;
  Outcome outcome;
  outcome.transaction = open.id;
  const auto died = "the agent stopped in step '" + std::string(step_name(open.step)) + "'";
  const auto cause = open.cause.empty() ? died : open.cause;
  const LogSubject subject(open.id, open.to);
  log_warning("transaction " + open.id + " is taken back: " + cause);
  if (after_death(open.step) == Step::Restore) {
    WayBack(parts_, outcome, progress, recovery_limit).run(open.step, cause, witness);
  } else {
    auto record = journal_.record();
    record.last_id = open.id;
    record.last_end = step_name(Step::Refused);
    record.last_cause = cause;
    record.open.reset();
    journal_.write(record);
    outcome.result = Result::Refused;
    outcome.cause = cause;
  }
  history_.add(outcome, open.holder, journal_.record().committed, open.to);
  last_ = outcome;
  return outcome;
}

Outcome Transactions::recover(Witness witness) {
  const std::unique_lock work(work_);
  Outcome outcome;
  outcome.result = Result::Unchanged;
  const bool boots = witness == Witness::BeforeKong;
  if (!journal_.record().open && !boots) make_last();
  if (journal_.record() == HostRecord{}) adopt_named();
  if (journal_.record().open) outcome = resolve_open(witness, {});
  if (!boots) mend_history();
  if (!boots) tidy_up();  // at boot Kong waits for us
  store_.sweep();
  publish();
  if (!watcher_.joinable()) watcher_ = std::thread([this] { watch(); });
  return outcome;
}

// Nobody may be told before of what another agent wrote, and died. What is open is written anew. A
// disk that can't is no reason to be of no use: only with the power gone too that would be lost.
void Transactions::make_last() noexcept {
  try {
    journal_.sync();
  } catch (const std::exception& error) {
    log_warning(std::string(error.what()) + "; what the journal says may not outlast a power cut");
  }
}

// An agent that died between the journal's last word and the history's owes it a line.
void Transactions::mend_history() noexcept {
  const auto& record = journal_.record();
  if (record.open || record.last_id.empty()) return;
  try {
    const auto lines = history_.last(1);
    const auto name = "\"transaction\":\"" + record.last_id + "\"";
    if (!lines.empty() && lines.front().find(name) != std::string::npos) return;
    const auto known = answer_known(record.last_id);
    const auto* outcome = known ? std::get_if<Outcome>(&*known) : nullptr;
    if (outcome == nullptr) return;
    const bool moved = outcome->result == Result::Committed && !record.earlier.empty();
    history_.add(*outcome, "unknown: the agent died before it wrote this line",
                 moved ? record.earlier.back() : record.committed, record.committed);
  } catch (const std::exception& error) {
    log_warning(std::string(error.what()) + "; the history may lack the last transaction");
  }
}

// A host without a journal whose kong.conf names a complete generation of ours lost that journal:
// the generation counts as the confirmed one.
void Transactions::adopt_named() noexcept {
  try {
    const auto kept = store_.list();
    if (kept.empty()) return;
    const auto text = host_.configuration_text(gateway_.inspect());
    for (const auto& id : kept) {
      if (text.find(store_.directory(id).string() + "/") == std::string::npos) continue;
      if (!store_.damage(id).empty()) continue;
      HostRecord record;
      record.advance(id.number, generation_digest(store_.releases(id)).hex());
      record.last_number = kept.back().number;
      journal_.write(record);
      log_info("generation " + id.text() + " is adopted: kong.conf names it");
    }
  } catch (const std::exception& error) {
    log_warning(std::string(error.what()) + "; what kong.conf names is not adopted");
  }
}

void Transactions::note_litter(bool left) {
  {
    const std::lock_guard seen(seen_);
    litter_ = left;
  }
  wake_.notify_all();
}

// What the next way back needs is put in its place, and what the last one needed goes.
void Transactions::tidy_up() noexcept {
  if (journal_.record().open) return;
  ballast_.fill();
  try {
    const auto facts = gateway_.inspect();
    host_.settle(journal_.record(), facts);
    note_litter(!gateway_.clear_smoke(facts));
  } catch (const std::exception& error) {
    log_warning(std::string(error.what()) + "; it is tried again at the next start");
  }
}

}  // namespace kongfleet::agent
