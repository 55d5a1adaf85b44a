// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// ModelHost's transactions: what agent/transactions*.cpp and agent/deployment.cpp do.
#include "tests/simulation/model_host.hpp"

#include <algorithm>

namespace kongfleet::simulation {

using agent::Went;

namespace {

constexpr std::size_t earlier_max = 8;
constexpr unsigned retries_max = 8;
constexpr auto retry_after = std::chrono::seconds(30);

/// How long a step takes: the least and the most, in milliseconds.
std::pair<std::size_t, std::size_t> time_of(Step step) {
  switch (step) {
    case Step::Stage:
      return {20, 400};
    case Step::Preflight:
      return {200, 1500};
    case Step::Switch:
    case Step::Restore:
      return {5, 40};
    case Step::Reload:
    case Step::ReloadBack:
      return {100, 1000};
    case Step::Verify:
    case Step::VerifyBack:
      return {500, 6000};
    case Step::Commit:
      return {5, 300};
    default:
      return {0, 0};
  }
}

bool on_the_way_back(Step step) {
  return step == Step::Restore || step == Step::ReloadBack || step == Step::VerifyBack;
}

}  // namespace

ModelHost::ModelHost(World& world, std::size_t number, Witness& witness)
    : world_(world), number_(number), witness_(witness) {}

void ModelHost::ran(std::vector<Generation> earlier, Generation now) {
  earlier_ = std::move(earlier);
  committed_ = std::move(now);
  last_number_ = committed_.number;
}

bool ModelHost::reachable() const {
  if (!up_) return false;
  return std::none_of(weather.absences.begin(), weather.absences.end(), [&](const auto& absence) {
    return world_.now() >= absence.from && world_.now() < absence.until;
  });
}

void ModelHost::harmed(const char* how) {
  if (world_.traced()) world_.tell("host " + std::to_string(number_) + ": " + how);
  witness_.harmed(number_);
}

void ModelHost::later(Duration wait, std::function<void()> deed) {
  world_.after(wait, [this, life = life_, deed = std::move(deed)] {
    if (life == life_) deed();
  });
}

void ModelHost::with_work(std::function<void()> deed) {
  if (working_ || !ready_) return waiting_.push_back(std::move(deed));
  working_ = true;
  deed();
}

void ModelHost::done_working() {
  working_ = false;
  if (waiting_.empty()) return;
  later({}, [this] {
    if (working_ || waiting_.empty()) return;
    auto deed = std::move(waiting_.front());
    waiting_.pop_front();
    working_ = true;
    deed();
  });
}

std::optional<wire::Outcome> ModelHost::known(const std::string& transaction) const {
  wire::Outcome outcome;
  outcome.set_transaction(transaction);
  if (trial_ && open_->id == transaction) {
    outcome.set_result(wire::Outcome::TRIAL);
    return outcome;
  }
  if (!last_.transaction().empty() && last_.transaction() == transaction) return last_;
  return std::nullopt;
}

void ModelHost::begin(Open open, milliseconds lease, Answer answer, const SessionPtr& session) {
  open_ = std::move(open);
  lease_ = lease;
  answer_ = std::move(answer);
  teller_ = session;
  world_.note(open_->returns ? "goes back" : "begins", number_, open_->to.number);
  witness_.begins(number_, open_->id, open_->returns);
  enter(Step::Stage);
}

void ModelHost::enter(Step step) {
  open_->step = step;
  world_.note("step", number_, static_cast<std::uint64_t>(step));
  if (teller_) {
    wire::ToController message;
    message.mutable_progress()->set_step(agent::step_name(step).data());
    send(teller_, message);
  }
  const auto [least, most] = time_of(step);
  const auto took = world_.chance.ms(least, most) * temper.slowness;
  if (world_.chance.one_in(temper.dies_one_in)) {
    const auto down =
        world_.chance.one_in(4) ? world_.chance.ms(20'000, 900'000) : world_.chance.ms(50, 5000);
    later(took / 2, [this, down] { die(down); });
  }
  later(took, [this, step] { leave(step, goes(step)); });
}

Went ModelHost::goes(Step step) {
  if (open_->returns && !on_the_way_back(step)) return Went::Well;
  bool well = true;
  if (step == Step::Preflight) well = !temper.preflight_fails;
  if (step == Step::Verify) well = !temper.verify_fails;
  if (step == Step::Commit) well = !temper.commit_fails;
  if (step == Step::VerifyBack) well = failed_ways_back_ >= temper.stranded_tries;
  return well ? Went::Well : Went::Wrong;
}

void ModelHost::leave(Step step, Went went) {
  if (went == Went::Wrong && step != Step::VerifyBack && open_->cause.empty()) {
    open_->cause = std::string(agent::step_name(step)) + " failed";
  }
  if (went == Went::Wrong && (step == Step::Verify || step == Step::Preflight)) {
    poison_[open_->to.digest] = open_->cause;
  }
  const auto following = agent::next(step, went);
  switch (following) {
    case Step::Trial:
      return start_trial();
    case Step::Committed:
      return end(wire::Outcome::COMMITTED);
    case Step::RolledBack:
      return end(wire::Outcome::ROLLED_BACK);
    case Step::Refused:
      return end(wire::Outcome::REFUSED);
    case Step::Stranded:
      ++failed_ways_back_;
      return end(wire::Outcome::STRANDED);
    default:
      return enter(following);
  }
}

void ModelHost::start_trial() {
  open_->step = Step::Trial;
  if (open_->at_once) return enter(Step::Commit);
  trial_ = Trial{world_.now() + lease_, ++trials_};
  world_.note("trial", number_);
  witness_.in_trial(number_, open_->id);
  const auto number = trial_->number;
  later(lease_, [this, number] { look(number); });
  if (temper.sickens_after.count() > 0) {
    later(temper.sickens_after, [this, number] {
      if (!trial_ || trial_->number != number) return;
      with_work([this, number] {
        if (!trial_ || trial_->number != number) return done_working();
        take_back("probe failed", true);
      });
    });
  }
  auto outcome = *known(open_->id);
  const auto answer = std::exchange(answer_, nullptr);
  teller_.reset();
  done_working();
  if (answer) answer(outcome);
}

// What watches a trial: has its lease run out?
void ModelHost::look(std::uint64_t trial) {
  if (!trial_ || trial_->number != trial) return;
  if (world_.now() < trial_->lease) {
    return later(trial_->lease - world_.now(), [this, trial] { look(trial); });
  }
  with_work([this, trial] {
    if (!trial_ || trial_->number != trial || world_.now() < trial_->lease) {
      done_working();
      return look(trial);
    }
    witness_.lease_over(number_);
    take_back("nobody confirmed the trial within its time", false);
  });
}

void ModelHost::take_back(const std::string& cause, bool harmful) {
  trial_.reset();
  open_->cause = cause;
  if (harmful) poison_[open_->to.digest] = cause;
  enter(Step::Restore);
}

void ModelHost::end(wire::Outcome::Result result) {
  const auto open = *open_;
  if (result == wire::Outcome::COMMITTED) {
    if (open.returns) {
      const auto at = std::find(earlier_.begin(), earlier_.end(), open.to);
      if (at == earlier_.end()) {  // gone back from before
        left_.erase(std::find(left_.begin(), left_.end(), open.to));
        earlier_.push_back(committed_);
      } else {
        left_.insert(left_.end(), at + 1, earlier_.end());
        left_.push_back(committed_);
        earlier_.erase(at, earlier_.end());
      }
    } else {
      earlier_.push_back(committed_);
      if (earlier_.size() > earlier_max) earlier_.erase(earlier_.begin());
    }
    committed_ = open.to;
    poison_.erase(open.to.digest);
  }
  last_.Clear();
  last_.set_transaction(open.id);
  last_.set_result(result);
  last_.set_cause(open.cause);
  if (result != wire::Outcome::STRANDED) open_.reset();
  if (result == wire::Outcome::STRANDED) open_->step = Step::Stranded;
  world_.note("ends", number_, static_cast<std::uint64_t>(result));
  witness_.ended(number_, open.id, result);
  if (result == wire::Outcome::STRANDED) retry(0);
  const auto answer = std::exchange(answer_, nullptr);
  teller_.reset();
  done_working();
  if (answer) answer(last_);
  if (!ready_) serve();
}

// What keeps a host from going back may pass.
void ModelHost::retry(unsigned tries) {
  if (tries >= retries_max) return;
  later(retry_after * (1U << tries), [this, tries] {
    if (!stranded()) return;
    if (working_) return retry(tries);
    if (failed_ways_back_ < temper.stranded_tries) {
      ++failed_ways_back_;
      return retry(tries + 1);
    }
    working_ = true;
    make_way_back();
  });
}

void ModelHost::make_way_back() {
  if (open_->cause.empty()) open_->cause = "the agent stopped";
  enter(Step::Restore);
}

void ModelHost::die(Duration down) {
  if (!up_) return;
  world_.note("agent dies", number_);
  witness_.harmed(number_);
  ++life_;
  up_ = ready_ = false;
  working_ = false;
  waiting_.clear();
  trial_.reset();
  answer_ = nullptr;
  teller_.reset();
  for (auto& [number, session] : sessions_) {
    session->over = true;
    const auto how = world_.chance.one_in(8) ? WireEnd::Silence : WireEnd::Close;
    end_from_host(world_, *this, session->wire, how);
  }
  sessions_.clear();
  turns_.clear();
  later(down, [this] { recover(); });
}

// Whoever connected while it recovered is heard now.
void ModelHost::serve() {
  ready_ = true;
  const auto sessions = sessions_;
  for (const auto& [number, session] : sessions) obey_next(session);
}

void ModelHost::changed_by_other(Duration time) {
  if (!ready_ || working_ || open_) return;
  working_ = true;
  Open other;
  other.id = "by-hand";
  other.holder = "root";
  open_ = other;
  harmed("somebody else changes it");
  later(time, [this] {
    open_.reset();
    ++edits_;
    done_working();
  });
}

void ModelHost::recover() {
  up_ = true;
  world_.note("agent starts", number_);
  if (!open_) return serve();
  working_ = true;
  if (agent::after_death(open_->step) == Step::Restore) return make_way_back();
  open_->cause = "the agent stopped in step '" + std::string(agent::step_name(open_->step)) + "'";
  end(wire::Outcome::REFUSED);
}

}  // namespace kongfleet::simulation
