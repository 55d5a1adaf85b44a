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

Transactions::Reply Transactions::confirm(const std::string& transaction,
                                          const ProgressSink& progress) {
  const std::unique_lock work(work_);
  if (!trial_ || trial_->deployment->order().transaction != transaction) {
    if (auto known = answer_known(transaction)) return *known;
    return no_such(transaction);
  }
  auto trial = std::exchange(trial_, std::nullopt);
  publish();
  trial->deployment->commit(progress);
  ended(*trial->deployment, trial->from);
  collect_now();
  return *last_;
}

Transactions::Reply Transactions::revert(const std::string& transaction, const std::string& reason,
                                         const ProgressSink& progress) {
  const std::unique_lock work(work_);
  if (!trial_ || trial_->deployment->order().transaction != transaction) {
    if (auto known = answer_known(transaction)) return *known;
    return no_such(transaction);
  }
  auto trial = std::exchange(trial_, std::nullopt);
  publish();
  const auto cause = reason.empty() ? "taken back by " + trial->deployment->order().holder : reason;
  trial->deployment->revert(cause, Deployment::Fault::Other, progress);
  ended(*trial->deployment, trial->from);
  return *last_;
}

Transactions::Reply Transactions::renew(const std::string& transaction,
                                        std::chrono::milliseconds lease) {
  const std::unique_lock work(work_);
  if (trial_ && trial_->deployment->order().transaction == transaction) {
    trial_->lease = Clock::now() + lease;
    publish();
  }
  if (auto known = answer_known(transaction)) return *known;
  return no_such(transaction);
}

void Transactions::watch() {
  std::unique_lock seen(seen_);
  while (!stop_) {
    if (!record_.open) retries_ = 0;
    const auto may_retry = [this] { return record_.open && retries_ < retries_max; };
    if (lease_) {
      const auto next_look = std::min(*lease_, Clock::now() + watch_interval);
      wake_.wait_until(seen, next_look, [this] { return stop_; });
    } else if (may_retry()) {
      const auto news = [this] { return stop_ || lease_ || !record_.open; };
      if (wake_.wait_for(seen, retry_after_ * (1U << retries_), news)) continue;
    } else {
      wake_.wait(seen,
                 [&] { return stop_ || lease_ || may_retry() || (retries_ > 0 && !record_.open); });
      continue;
    }
    if (stop_) continue;
    const bool in_trial = lease_.has_value();
    seen.unlock();
    if (in_trial) look_after_trial();
    if (!in_trial) retry_stranded();
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
  log_warning("trial of " + trial_->deployment->order().transaction + " ends: " + cause);
  auto trial = std::exchange(trial_, std::nullopt);
  publish();
  trial->deployment->revert(cause, fault, {});
  ended(*trial->deployment, trial->from);
}

void Transactions::retire() {
  const auto work = take_work();
  if (work.owns_lock() && trial_) {
    end_trial("the agent was told to stop", Deployment::Fault::Other);
  }
}

}  // namespace kongfleet::agent
