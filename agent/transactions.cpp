// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/transactions.hpp"

#include "agent/checkup_facts.hpp"
#include "agent/host_identity.hpp"
#include "agent/log.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"

#include <algorithm>
#include <ctime>
#include <iterator>
#include <set>

namespace kongfleet::agent {

namespace {

constexpr std::size_t transaction_shown_max = 128;
constexpr auto lease_at_once = std::chrono::minutes(5);  // it is confirmed right away

std::chrono::seconds whole_seconds(std::chrono::steady_clock::duration time) {
  return std::max(std::chrono::duration_cast<std::chrono::seconds>(time), std::chrono::seconds(0));
}

}  // namespace

Transactions::Transactions(const Config& config, Gateway& gateway,
                           std::chrono::milliseconds retry_after)
    : config_(config),
      gateway_(gateway),
      store_(config.state / "generations"),
      journal_(config.state / "journal"),
      history_(config.state / "history.jsonl"),
      host_(config, gateway, store_),
      ballast_(config.state / "ballast"),
      poison_(config.state / "poison.json"),
      trust_(config),
      parts_{config, gateway, store_, host_, journal_, ballast_, trust_},
      retry_after_(retry_after) {
  publish();
}

Transactions::~Transactions() {
  {
    const std::lock_guard seen(seen_);
    stop_ = true;
  }
  wake_.notify_all();
  if (watcher_.joinable()) watcher_.join();
}

void Transactions::publish() {
  {
    const std::lock_guard seen(seen_);
    const bool fresh = journal_.record().open && !record_.open;
    record_ = journal_.record();
    if (fresh) open_since_ = Clock::now();
    lease_.reset();
    if (trial_) lease_ = trial_->lease;
  }
  if (on_open_) on_open_(open_state());
}

std::optional<Transactions::Reply> Transactions::rescue(std::optional<std::uint64_t> to,
                                                        const ProgressSink& progress) {
  const std::unique_lock work(work_, std::try_to_lock);
  if (!work.owns_lock()) return std::nullopt;
  const auto& open = journal_.record().open;
  if (!open || open->step != Step::Stranded) return std::nullopt;
  if (to && *to != journal_.record().committed) return std::nullopt;
  auto outcome = resolve_open(Witness::AfterDeath, progress);
  tidy_up();
  publish();
  return outcome;
}

std::optional<OpenState> Transactions::open_state() const {
  const std::lock_guard seen(seen_);
  if (!record_.open) return std::nullopt;
  OpenState open;
  open.id = record_.open->id;
  open.holder = record_.open->holder;
  open.step = step_name(record_.open->step);
  open.age = whole_seconds(Clock::now() - open_since_);
  open.generation = record_.open->to;
  if (lease_) open.lease_left = whole_seconds(*lease_ - Clock::now());
  return open;
}

HostState Transactions::state() {
  HostRecord record;
  bool in_trial = false;
  {
    const std::lock_guard seen(seen_);
    record = record_;
    in_trial = lease_.has_value();
  }
  auto state = host_.state(record);
  state.open = open_state();
  if (!record.open) return state;
  state.drift.clear();  // it is being changed: what differs is meant to
  state.state = in_trial ? "trial" : "changing";
  if (record.open->step == Step::Stranded) {
    state.state = "stranded";
    state.advice = record.last_cause + "; run 'kongfleet-agent rollback' on the host";
  }
  return state;
}

std::vector<Check> Transactions::check_up(const std::set<std::string>& plugins) {
  HostRecord record;
  {
    const std::lock_guard seen(seen_);
    record = record_;
  }
  auto facts = checkup_facts({config_, gateway_, store_, host_, trust_}, record, plugins);
  facts.open = open_state();
  facts.stranded_cause = record.last_cause;
  if (facts.open) facts.drift.clear();  // it is being changed: what differs is meant to
  return judge(facts);
}

std::string Transactions::identity() const { return host_identity(config_.state); }

std::string Transactions::current_digest() const {
  const std::lock_guard seen(seen_);
  return record_.committed == 0 ? generation_digest({}).hex() : record_.committed_digest;
}

HostPlan Transactions::plan(Proposal proposal) {
  HostRecord record;
  {
    const std::lock_guard seen(seen_);
    record = record_;
  }
  auto plan = plan_releases(host_, store_, config_, record, proposal.releases);
  if (plan.unchanged || plan.generation.number == 0) return plan;
  auto verdict = trust_.judge(proposal, plan.survey.releases, std::time(nullptr));
  plan.accepted = std::move(verdict.accepted);
  plan.releases = std::move(verdict.releases);
  plan.signatures = std::move(proposal.signatures);
  std::move(verdict.warnings.begin(), verdict.warnings.end(), std::back_inserter(plan.warnings));
  // Before all others: of what may not run here nothing else is worth knowing.
  plan.refusals.insert(plan.refusals.begin(), verdict.refusals.begin(), verdict.refusals.end());
  plan.poison = poison_.cause(generation_digest(plan.releases)).value_or("");
  if (!plan.poison.empty()) {
    plan.warnings.push_back({"poison", "", "", 0,
                             "these very releases failed on this host before: " + plan.poison,
                             "mend the plugin and give it a new version"});
  }
  return plan;
}

HostPlan Transactions::plan_return(std::optional<std::uint64_t> generation) {
  HostRecord record;
  {
    const std::lock_guard seen(seen_);
    record = record_;
  }
  if (!generation && record.earlier.empty()) {
    throw Error("there is no generation before the one this host runs");
  }
  return kongfleet::agent::plan_return(host_, store_, config_, record,
                                       generation ? *generation : record.earlier.back());
}

Refusal Transactions::no_such(const std::string& transaction) const {
  const auto open = open_state();
  return {"no-transaction",
          "transaction '" + printable(transaction, transaction_shown_max) + "' is not open here" +
              (open ? "; open is '" + open->id + "' of " + open->holder : ""),
          open};
}

// A message that came twice (its answer was lost) is answered from what is known, not obeyed again.
std::optional<Transactions::Reply> Transactions::answer_known(const std::string& transaction) {
  if (trial_ && trial_->deployment->order().transaction == transaction) {
    auto outcome = trial_->deployment->outcome();
    outcome.lease_left =
        std::chrono::duration_cast<std::chrono::milliseconds>(trial_->lease - Clock::now());
    return outcome;
  }
  if (last_ && last_->transaction == transaction) return *last_;
  const auto& record = journal_.record();
  if (record.last_id != transaction) return std::nullopt;
  Outcome outcome;
  outcome.transaction = transaction;
  outcome.cause = record.last_cause;
  for (const auto result :
       {Result::Refused, Result::Committed, Result::RolledBack, Result::Stranded}) {
    if (result_name(result) == record.last_end) outcome.result = result;
  }
  return outcome;
}

// A trial is only ever looked at for seconds, and the same goes for what a smoke test left: that is
// waited for. A transaction under way is not.
std::unique_lock<std::mutex> Transactions::take_work() {
  bool for_seconds = false;
  {
    const std::lock_guard seen(seen_);
    for_seconds = lease_.has_value() || clearing_;
  }
  if (for_seconds) return std::unique_lock(work_);
  return {work_, std::try_to_lock};
}

std::optional<Transactions::Reply> Transactions::known(const std::string& transaction) {
  const auto work = take_work();
  return work.owns_lock() ? answer_known(transaction) : std::nullopt;
}

std::optional<Refusal> Transactions::not_now(const std::unique_lock<std::mutex>& work,
                                             bool leaves_stranded) {
  const auto open = open_state();
  const bool stranded = open && open->step == step_name(Step::Stranded);
  if (work.owns_lock() && stranded && leaves_stranded) return std::nullopt;
  if (work.owns_lock() && stranded) {
    return Refusal{"stranded",
                   "this host is stranded; 'kongfleet-agent rollback' there first, or, where that "
                   "fails, 'kongfleet-agent rollback --to N'",
                   open};
  }
  if (work.owns_lock() && !open) return std::nullopt;
  return Refusal{"busy",
                 open ? "transaction '" + open->id + "' of " + open->holder +
                            " holds this host (step " + open->step + ", for " +
                            std::to_string(open->age.count()) + " s)"
                      : "somebody else is changing this host",
                 open};
}

// Between a plan and its Apply a key may have been taken away, and a signature have come to its
// end.
std::optional<Refusal> Transactions::distrust_by_now(HostPlan& plan) const {
  if (plan.returns || plan.generation.number == 0) return std::nullopt;
  auto verdict =
      trust_.judge({plan.releases, plan.signatures}, plan.survey.releases, std::time(nullptr));
  if (!verdict.refusals.empty())
    return Refusal{"bad-request", "the plan was refused: " + sentence(verdict.refusals.front()),
                   std::nullopt};
  plan.accepted = std::move(verdict.accepted);
  plan.releases = std::move(verdict.releases);  // in the terms that hold by now
  return std::nullopt;
}

Transactions::Reply Transactions::apply(Order order, HostPlan plan, const Incoming* incoming,
                                        std::chrono::milliseconds lease,
                                        const ProgressSink& progress) {
  return apply(take_work(), std::move(order), std::move(plan), incoming, lease, progress);
}

Transactions::Reply Transactions::apply(const std::unique_lock<std::mutex>& work, Order order,
                                        HostPlan plan, const Incoming* incoming,
                                        std::chrono::milliseconds lease,
                                        const ProgressSink& progress) {
  // Only now: whoever asked how it stands had the lock before, or will see it under way.
  if (turns_.is_over(order.turn)) return superseded();
  if (work.owns_lock()) {
    if (auto known = answer_known(order.transaction)) return *known;
  }
  if (auto refusal = not_now(work, order.leaves_stranded)) return *refusal;
  const auto target = generation_digest(plan.releases);
  if (plan_id(journal_.record(), LiveFile(plan.survey.facts.managed_path()).read(), target) !=
      plan.id) {
    return Refusal{"changed", "this host changed since the plan was made; plan again",
                   std::nullopt};
  }
  if (plan.unchanged) {
    Outcome outcome;
    outcome.transaction = order.transaction;
    outcome.result = Result::Unchanged;
    return outcome;
  }
  if (auto refusal = distrust_by_now(plan)) return *refusal;
  const auto from = journal_.record().committed;
  auto deployment = std::make_unique<Deployment>(parts_, std::move(order), std::move(plan));
  const auto step = deployment->deploy(incoming, [&](Step at, const std::string& text) {
    publish();
    if (progress) progress(at, text);
  });
  auto outcome = deployment->outcome();
  if (step == Step::Trial) {
    const auto now = Clock::now();
    trial_ = Trial{std::move(deployment), from, now, now + lease, 0};
    outcome.lease_left = lease;
    publish();
    wake_.notify_all();
  } else {
    ended(*deployment, from);
  }
  return outcome;
}

Transactions::Reply Transactions::apply_at_once(Order order, HostPlan plan,
                                                const ProgressSink& progress) {
  const auto transaction = order.transaction;
  order.disk_is_full = ballast_.scarce();
  if (order.disk_is_full) ballast_.drop();
  // In one piece: nobody finds it in trial.
  const auto work = take_work();
  auto reply = apply(work, std::move(order), std::move(plan), nullptr, lease_at_once, progress);
  const auto* outcome = std::get_if<Outcome>(&reply);
  if (outcome == nullptr || outcome->result != Result::Trial) return reply;
  return confirm_now(transaction, progress);
}

void Transactions::ended(const Deployment& deployment, std::uint64_t from) {
  last_ = deployment.outcome();
  const auto& plan = deployment.plan();
  const LogSubject subject(last_->transaction, plan.generation.number);
  log_info("transaction " + last_->transaction + ": " + std::string(result_name(last_->result)) +
           (last_->cause.empty() ? "" : ": " + last_->cause));
  history_.add(*last_, deployment.order().holder, from, plan.generation.number);
  const auto digest = generation_digest(plan.releases);
  if (plan.generation.number != 0 && deployment.condemned()) poison_.add(digest, last_->cause);
  if (last_->result == Result::Committed) poison_.forgive(digest);
  tidy_up();
  publish();
  wake_.notify_all();
}

std::vector<std::uint64_t> Transactions::collect() {
  const std::unique_lock work(work_, std::try_to_lock);
  if (not_now(work)) return {};
  return collect_now();
}

std::vector<std::uint64_t> Transactions::collect_now() {
  std::vector<std::uint64_t> removed;
  try {
    const auto& record = journal_.record();
    const auto facts = gateway_.inspect();
    if (record.open || gateway_.draining(facts) > 0) return removed;
    // What kong.conf or a running worker names stays, whoever wrote it there.
    const auto named = host_.configuration_text(facts) + "\n" + facts.effective_path;
    const auto kept = record.kept(config_.keep);
    for (const auto& id : store_.list()) {
      if (kept.contains(id.number) || named.find(id.text()) != std::string::npos) continue;
      store_.remove(id);
      removed.push_back(id.number);
    }
  } catch (const std::exception& error) {
    log_warning(std::string(error.what()) + "; old generations stay until the next deploy");
  }
  return removed;
}

}  // namespace kongfleet::agent
