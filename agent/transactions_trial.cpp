// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// Transactions' part that has to do with a trial: who ends it, and how.
#include "agent/log.hpp"
#include "agent/transactions.hpp"

namespace kongfleet::agent {

namespace {

constexpr auto watch_interval = std::chrono::seconds(2);
constexpr unsigned retries_max = 8;         // two hours; then a person is needed
constexpr unsigned trial_failures_max = 1;  // one bad look may be a hiccup; the next one is not

}  // namespace

bool Transactions::is_in_trial(const std::string& transaction) const {
  return trial_ && trial_->deployment->order().transaction == transaction;
}

Transactions::Reply Transactions::what_is_known(const std::string& transaction) {
  if (auto known = answer_known(transaction)) return *known;
  return no_such(transaction);
}

Refusal Transactions::superseded() {
  return {"superseded",
          "a later conversation of this rollout began, and it gives the orders; nothing was done",
          std::nullopt};
}

// Whoever takes it ends it; nobody else sees it in trial from here on.
Transactions::Trial Transactions::take_trial() {
  Trial trial = std::move(*trial_);
  trial_.reset();
  publish();
  return trial;
}

Transactions::Reply Transactions::confirm(const std::string& transaction,
                                          const ProgressSink& progress, const Turn& turn) {
  const std::unique_lock work(work_);
  if (turns_.is_over(turn)) return superseded();
  return confirm_now(transaction, progress);
}

Transactions::Reply Transactions::confirm_now(const std::string& transaction,
                                              const ProgressSink& progress) {
  if (!is_in_trial(transaction)) return what_is_known(transaction);
  const auto trial = take_trial();
  trial.deployment->commit(progress);
  ended(*trial.deployment, trial.from);
  collect_now();
  return *last_;
}

Transactions::Reply Transactions::revert(const std::string& transaction, const std::string& reason,
                                         const ProgressSink& progress, const Turn& turn) {
  const std::unique_lock work(work_);
  if (turns_.is_over(turn)) return superseded();
  if (!is_in_trial(transaction)) return what_is_known(transaction);
  const auto cause =
      reason.empty() ? "taken back by " + trial_->deployment->order().holder : reason;
  take_back(cause, Deployment::Fault::Other, progress);
  return *last_;
}

Transactions::Reply Transactions::renew(const std::string& transaction,
                                        std::chrono::milliseconds lease, const Turn& turn) {
  const std::unique_lock work(work_);
  if (turns_.is_over(turn)) return superseded();
  if (is_in_trial(transaction)) {
    trial_->lease = Clock::now() + lease;
    publish();
  }
  return what_is_known(transaction);
}

void Transactions::watch() {
  std::unique_lock seen(seen_);
  while (!stop_) {
    if (!record_.open) retries_ = 0;
    const auto may_retry = [this] { return record_.open && retries_ < retries_max; };
    const auto may_clear = [this] { return litter_ && !record_.open; };
    if (lease_) {
      const auto next_look = std::min(*lease_, Clock::now() + watch_interval);
      wake_.wait_until(seen, next_look, [this] { return stop_; });
    } else if (may_retry()) {
      const auto news = [this] { return stop_ || lease_ || !record_.open; };
      if (wake_.wait_for(seen, retry_after_ * (1U << retries_), news)) continue;
    } else if (may_clear()) {
      const auto news = [&] { return stop_ || lease_ || !may_clear(); };
      if (wake_.wait_for(seen, retry_after_, news)) continue;
    } else {
      wake_.wait(seen, [&] {
        return stop_ || lease_ || may_clear() || may_retry() || (retries_ > 0 && !record_.open);
      });
      continue;
    }
    if (stop_) continue;
    const bool in_trial = lease_.has_value();
    seen.unlock();
    if (in_trial) look_after_trial();
    if (!in_trial) retry_stranded();
    if (!in_trial) clear_litter();
    seen.lock();
  }
}

// What keeps a host from going back may pass: a database that is away, a disk that was read-only.
void Transactions::retry_stranded() {
  const std::unique_lock work(work_, std::try_to_lock);
  if (!work.owns_lock() || trial_) return;
  if (!journal_.record().open) return;
  ++retries_;
  resolve_open(Witness::AfterDeath, {});
  tidy_up();
  publish();
}

// A Kong that was down when an agent found what a smoke test had left may run by now.
void Transactions::clear_litter() {
  const std::unique_lock work(work_, std::try_to_lock);
  if (!work.owns_lock() || trial_) return;
  {
    const std::lock_guard seen(seen_);
    if (!litter_) return;
    clearing_ = true;
  }
  tidy_up();
  const std::lock_guard seen(seen_);
  clearing_ = false;
}

void Transactions::look_after_trial() {
  const std::unique_lock work(work_);
  if (!trial_) return;
  std::string cause;
  auto fault = Deployment::Fault::Generation;
  if (Clock::now() >= trial_->lease) {
    fault = Deployment::Fault::Other;
    cause = "nobody confirmed the trial within its time";
  } else {
    const auto trouble = trial_->deployment->trouble();
    trial_->failures = trouble.empty() ? 0 : trial_->failures + 1;
    if (trial_->failures > trial_failures_max) cause = trouble;
    fault = trial_->deployment->fault();
  }
  if (!cause.empty()) end_trial(cause, fault);
}

void Transactions::end_trial(const std::string& cause, Deployment::Fault fault) {
  const LogSubject subject(trial_->deployment->order().transaction,
                           trial_->deployment->plan().generation.number);
  log_warning("trial of " + trial_->deployment->order().transaction + " ends: " + cause);
  take_back(cause, fault, {});
}

void Transactions::take_back(const std::string& cause, Deployment::Fault fault,
                             const ProgressSink& progress) {
  const auto trial = take_trial();
  trial.deployment->revert(cause, fault, progress);
  ended(*trial.deployment, trial.from);
}

void Transactions::retire() {
  const auto work = take_work();
  if (work.owns_lock() && trial_) {
    end_trial("the agent was told to stop", Deployment::Fault::Other);
  }
}

}  // namespace kongfleet::agent
