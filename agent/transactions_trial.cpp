// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// Transactions' part that has to do with a trial: who ends it, and how.
#include "agent/log.hpp"
#include "agent/transactions.hpp"

namespace kongfleet::agent {

namespace {

constexpr auto watch_interval = std::chrono::seconds(2);
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
    if (lease_) {
      const auto next_look = std::min(*lease_, Clock::now() + watch_interval);
      wake_.wait_until(seen, next_look, [this] { return stop_; });
    } else {
      wake_.wait(seen, [this] { return stop_ || lease_; });
    }
    if (stop_ || !lease_) continue;
    seen.unlock();
    look_after_trial();
    seen.lock();
  }
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
