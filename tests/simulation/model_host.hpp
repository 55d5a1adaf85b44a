// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/steps.hpp"
#include "proto/framing.hpp"
#include "proto/kongfleet.pb.h"
#include "tests/simulation/model_link.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace kongfleet::simulation {

using agent::Step;

/// What an agent that lies says instead of its answer.
enum class Lie {
  None,
  Garbage,           // a frame that is no message
  EndlessFrame,      // one of 4 GiB
  WrongTransaction,  // good news of another transaction
  OutOfTurn,         // another kind of answer
  FalseClaim,        // good news of this one: nobody can know better
};

/// What goes wrong on a host, by itself or with a release.
struct Temper {
  bool objects = false;           // to the plan: a lint
  bool preflight_fails = false;   // before anything is changed
  bool verify_fails = false;      // the release does harm here
  bool commit_fails = false;      // and it goes back instead
  milliseconds sickens_after{0};  // in trial; 0: never
  unsigned stranded_tries = 0;    // ways back that fail
  std::size_t dies_one_in = 0;    // steps: the agent dies in it
  std::size_t hangs_one_in = 0;   // answers: it comes late, or much too late
  milliseconds hangs_most{0};
  std::size_t lies_one_in = 0;  // answers
  Lie lie = Lie::None;
  unsigned slowness = 1;  // steps take so many times longer
};

/// What a host runs: a confirmed generation.
struct Generation {
  std::uint64_t number = 0;
  std::string digest;  // empty: the baseline
  bool operator==(const Generation&) const = default;
};

/// What a host calls a generation of these manifests, back to back; a controller takes its word.
std::string digest_of(std::string_view manifests);

/// Who sees what a host really does, as it does it.
class Witness {
public:
  virtual ~Witness() = default;
  /// It begins to change, ordered by Apply, or by Rollback.
  virtual void begins(std::size_t host, const std::string& transaction, bool way_back) = 0;
  virtual void in_trial(std::size_t host, const std::string& transaction) = 0;
  /// Its lease was renewed, or ran out.
  virtual void renewed(std::size_t host) = 0;
  virtual void lease_over(std::size_t host) = 0;
  /// It takes a confirmation that it acts on.
  virtual void confirmed(std::size_t host, const std::string& transaction) = 0;
  /// Nothing is open any more, or it is stranded.
  virtual void ended(std::size_t host, const std::string& transaction,
                     wire::Outcome::Result result) = 0;
  /// Something happened to it, or to its network, that nobody ordered.
  virtual void harmed(std::size_t host) = 0;
};

/// One host with its agent, as agent/session.cpp and agent/transactions.cpp behave: the same
/// messages, the same table of steps, the same answers to what is asked twice. What it must not
/// forget outlives its agent. What Kong would do takes time only.
class ModelHost {
public:
  ModelHost(World& world, std::size_t number, Witness& witness);

  std::size_t number() const { return number_; }
  Temper temper;
  Weather weather;

  // What is true of it, whatever anybody was told.
  const Generation& committed() const { return committed_; }
  bool is_open() const { return open_.has_value(); }
  bool in_trial() const { return trial_.has_value(); }
  bool stranded() const { return open_ && open_->step == Step::Stranded; }
  std::string open_id() const { return open_ ? open_->id : ""; }
  bool reachable() const;
  /// What it did before this story.
  void ran(std::vector<Generation> earlier, Generation now);
  void failed_with(const std::string& digest) { poison_[digest] = "it failed here before"; }
  bool is_poisoned(const std::string& digest) const { return poison_.contains(digest); }
  /// Somebody on the host edits kong.conf: plans made before are void.
  void edit() { ++edits_; }
  /// Somebody on the host changes it, and is done after so long.
  void changed_by_other(Duration time);
  void die(Duration down);
  void harmed(const char* how);

  // Its network.
  void connected(const std::shared_ptr<Wire>& wire);
  void receive(const std::shared_ptr<Wire>& wire, const std::string& bytes);
  void peer_gone(Wire& wire);

private:
  struct Plan {
    std::string id;
    std::string digest;
    Generation to;
    bool unchanged = false;
    bool objected = false;
  };
  struct Session {
    std::shared_ptr<Wire> wire;
    FrameReader reader;
    std::deque<wire::ToAgent> messages;
    bool obeying = false;
    bool over = false;
    std::string holder;
    std::string rollout;
    std::uint64_t turn = 0;
    std::optional<Plan> plan;
    bool complete = false;  // all content came
  };
  using SessionPtr = std::shared_ptr<Session>;
  struct Open {
    std::string id;
    std::string holder;
    Generation to;
    Step step = Step::Stage;
    bool returns = false;
    bool at_once = false;  // confirmed without a trial
    std::string cause;
  };
  struct Trial {
    Time lease;
    std::uint64_t number = 0;
  };
  using Answer = std::function<void(const wire::Outcome&)>;

  bool is_superseded(const SessionPtr& session) const;

  // What the agent's process forgets when it dies is guarded by the number of its life.
  void later(Duration wait, std::function<void()> deed);
  void with_work(std::function<void()> deed);
  void done_working();

  void obey_next(const SessionPtr& session);
  void obey(const SessionPtr& session, const wire::ToAgent& message);
  void hello(const SessionPtr& session, const wire::Hello& hello);
  void propose(const SessionPtr& session, const wire::Propose& propose);
  void apply(const SessionPtr& session, const wire::Apply& apply);
  void rollback(const SessionPtr& session, const wire::Rollback& rollback);
  void decide(const SessionPtr& session, const wire::ToAgent& message);
  void reply(const SessionPtr& session, wire::ToController message);
  void reply(const SessionPtr& session, const wire::Outcome& outcome);
  void refuse(const SessionPtr& session, const std::string& code, const std::string& text);
  void send(const SessionPtr& session, const wire::ToController& message);
  wire::ToController lie(wire::ToController truth);

  wire::HostState state() const;
  std::optional<wire::Outcome> known(const std::string& transaction) const;
  std::string plan_id(const std::string& digest) const;
  void keep_releases(const std::string& digest, const wire::Propose& propose);

  void begin(Open open, milliseconds lease, Answer answer, const SessionPtr& session);
  void enter(Step step);
  void leave(Step step, agent::Went went);
  agent::Went goes(Step step);
  void start_trial();
  void look(std::uint64_t trial);
  void take_back(const std::string& cause, bool harmful);
  void end(wire::Outcome::Result result);
  void recover();
  void serve();
  void retry(unsigned tries);
  void make_way_back();

  World& world_;
  std::size_t number_;
  Witness& witness_;

  // On its disk.
  Generation committed_;
  std::vector<Generation> earlier_;
  std::vector<Generation> left_;  // confirmed, and gone back from
  std::uint64_t last_number_ = 0;
  std::optional<Open> open_;
  wire::Outcome last_;  // with an empty transaction: none yet
  std::map<std::string, std::string> poison_;
  std::map<std::string, std::vector<wire::ReleaseId>> releases_;  // of generations, by digest
  bool has_content_ = false;
  std::size_t edits_ = 0;

  // In its agent's memory.
  bool up_ = true;
  bool ready_ = true;
  std::uint64_t life_ = 1;
  bool working_ = false;
  std::deque<std::function<void()>> waiting_;
  std::optional<Trial> trial_;
  std::uint64_t trials_ = 0;
  milliseconds lease_{0};
  Answer answer_;
  SessionPtr teller_;  // who hears of the steps
  std::map<std::uint64_t, SessionPtr> sessions_;
  std::map<std::string, std::uint64_t> turns_;  // of a rollout: the latest conversation's
  unsigned failed_ways_back_ = 0;
};

}  // namespace kongfleet::simulation
