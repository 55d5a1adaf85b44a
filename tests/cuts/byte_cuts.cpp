// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// byte-cuts: the link between a controller and an agent is torn once, after any byte of their
// conversations, in either direction: a deploy that is confirmed and taken back again, and one that
// is taken back from its trial. The real conversation on both sides, real files; Kong is a fake.
// What must come of it: the same as without the cut, nothing done twice, and every word true of the
// host when it is said. One in a few bytes; all of them when KONGFLEET_DEEP is set. On the wire an
// SSH packet is read whole or not at all; tests/fleet/invariants_test.py tears that.
#include "controller/clock.hpp"
#include "controller/content_pack.hpp"
#include "controller/host_run.hpp"
#include "controller/plugin_tree.hpp"
#include "tests/crash/proof_entry.hpp"
#include "tests/cuts/cut_links.hpp"

#include <boost/asio/co_spawn.hpp>
#include <catch2/catch.hpp>

#include "agent_fixture.hpp"
#include <algorithm>
#include <cstdlib>

namespace kongfleet::cuts {

using namespace controller;
using agent::AgentFixture;

namespace {

constexpr std::size_t everyday_one_in = 6;

/// The controller's time goes faster: it waits a second before it tries again. Not too fast, for it
/// believes a link dead on which nothing was heard for 30 seconds.
class FastClock final : public ClockSource {
public:
  FastClock() { Clock::source = this; }
  ~FastClock() override { Clock::source = nullptr; }
  Steady::time_point now() override { return began_ + (Steady::now() - began_) * faster; }
  std::int64_t wall_ms() override { return 0; }
  Steady::duration sleep(Steady::duration wait) override { return wait / faster; }

private:
  static constexpr int faster = 25;
  Steady::time_point began_ = Steady::now();
};

Release release_of(const std::string& version) {
  PluginTree tree;
  tree.files.push_back({"kong/plugins/my-plugin/handler.lua", 0644,
                        "return { PRIORITY = 1000, VERSION = '" + version + "' }\n"});
  tree.files.push_back({"kong/plugins/my-plugin/schema.lua", 0644, "return {}\n"});
  return make_release(*PluginName::parse("my-plugin"), *Version::parse(version), std::move(tree));
}

Fleet fleet_of_one() {
  Fleet fleet;
  fleet.name = "edge";
  FleetHost host;
  host.name = "edge-1";
  host.agent_command = "kongfleet-agent connect";
  host.plugins = {"my-plugin"};
  fleet.hosts.push_back(std::move(host));
  return fleet;
}

enum class Script { Confirmed, TakenBackFromTrial };

/// What a story came to.
struct StoryEnd {
  std::vector<HostPhase> phases;
  std::size_t reloads = 0;
  bool planned = false;
  bool was_cut = false;
  std::string wrong;  // a word that was not true of the host
  std::size_t passed[2] = {};
};

/// A host that runs 1.0.0, to which 2.0.0 comes.
class Story {
public:
  explicit Story(std::optional<Cut> cut) : cut_(cut) { REQUIRE(deployed()); }

  StoryEnd play(Script script) {
    const auto reloads_before = reloads();
    {
      CutLinks links(loop_, *agent_.transactions, cut_);
      RunParts parts{links, fleet_, releases_, contents_, "ops@deploy-1", "rollout-1", true};
      HostRun run(parts, fleet_.hosts.front());
      do_now(act(run, script));
      end_.was_cut = links.was_cut();
      for (const auto direction : {Direction::ToHost, Direction::ToController})
        end_.passed[static_cast<std::size_t>(direction)] = links.passed(direction);
    }
    agent_.check_at_rest();
    end_.reloads = reloads() - reloads_before;
    return end_;
  }

private:
  bool deployed() { return agent_.deploy("1.0.0") == agent::Result::Committed; }

  std::size_t reloads() const {
    const auto& calls = agent_.gateway.calls;
    return static_cast<std::size_t>(std::count(calls.begin(), calls.end(), "reload"));
  }

  asio::awaitable<void> act(HostRun& run, Script script) {
    end_.planned = co_await run.make_plan();
    if (!end_.planned) co_return said(HostPhase::Unreachable, "1.0.0", "ready");
    HostRun::MayBegin yes = [] { return true; };
    Conversation::OnProgress quiet = [](const wire::Progress&) {};
    const auto started = co_await run.start(quiet, yes);
    said(started, "2.0.0", "trial");
    HostRun::Unheard unheard;
    const auto renewed = co_await run.renew(unheard);
    said(renewed, "2.0.0", "trial");
    auto from = HostPhase::Trial;
    if (script == Script::Confirmed) {
      from = co_await run.confirm(yes);
      said(from, "2.0.0", "ready");
    }
    std::string reason = "the test goes back";
    const auto back = co_await run.take_back(from, reason, yes);
    said(back, "1.0.0", "ready");
  }

  // What is said of the host, and what it must be then.
  void said(HostPhase phase, const std::string& version, const std::string& state) {
    end_.phases.push_back(phase);
    const auto is = agent_.transactions->state().state;
    if (!end_.wrong.empty() || (agent_.named_version() == version && is == state)) return;
    end_.wrong = "it is called " + std::string(phase_name(phase)) + ", and is '" + is + "' with " +
                 agent_.named_version();
  }

  void do_now(asio::awaitable<void> deed) {
    asio::co_spawn(loop_.io(), std::move(deed), rethrow);
    loop_.run();
  }

  AgentFixture agent_;
  std::optional<Cut> cut_;
  Fleet fleet_ = fleet_of_one();
  std::vector<Release> releases_{release_of("2.0.0")};
  ContentPack contents_{releases_};
  EventLoop loop_;
  StoryEnd end_;
};

/// What is wrong with how a story with a cut ended; `whole` is the one without. Empty: nothing.
std::string why_wrong(const StoryEnd& end, const StoryEnd& whole) {
  if (!end.wrong.empty()) return end.wrong;
  // Cut while it makes its plan, it is not asked again: it is left as it is.
  const bool as_whole = end.phases == whole.phases && end.reloads == whole.reloads;
  const bool left_alone = !end.planned && end.reloads == 0;
  if (as_whole || left_alone) return "";
  std::string phases;
  for (const auto phase : end.phases) phases += std::string(phase_name(phase)) + " ";
  return "it ends as " + phases + "with " + std::to_string(end.reloads) + " reloads, not " +
         std::to_string(whole.reloads);
}

void tear_everywhere(Script script, const std::string& name, crash::ProofEntry& entry) {
  const auto whole = Story(std::nullopt).play(script);
  REQUIRE(whole.planned);
  REQUIRE(whole.wrong.empty());
  REQUIRE(whole.phases.back() == HostPhase::Back);
  const std::size_t step = crash::deep() ? 1 : everyday_one_in;
  for (const auto direction : {Direction::ToHost, Direction::ToController}) {
    const bool to_host = direction == Direction::ToHost;
    const auto bytes = whole.passed[static_cast<std::size_t>(direction)];
    REQUIRE(bytes > 500);
    std::size_t reached = 0;
    for (std::size_t after = 0; after < bytes; after += step) {
      const auto end = Story(Cut{direction, after}).play(script);
      const auto wrong = why_wrong(end, whole);
      if (end.was_cut) ++reached;
      if (!wrong.empty()) ++entry.bad;
      INFO(name << ", torn after " << after << " bytes to the "
                << (to_host ? "host" : "controller"));
      CHECK(wrong == "");
    }
    // Times and names of transactions are not always of one length: the last few may be missed.
    CHECK(reached * step + 64 >= bytes);
    entry.count += reached;
  }
}

}  // namespace

TEST_CASE("a link that is torn at any byte loses nothing and does nothing twice") {
  // Nobody pulls the plug here: the disk need not be waited for.
  if (std::filesystem::is_directory("/dev/shm")) ::setenv("TMPDIR", "/dev/shm", 1);
  crash::ProofEntry entry("byte-cuts", "P8");
  const FastClock clock;
  tear_everywhere(Script::Confirmed, "a deploy that is confirmed and taken back", entry);
  tear_everywhere(Script::TakenBackFromTrial, "a deploy that is taken back from its trial", entry);
  entry.write();
}

}  // namespace kongfleet::cuts
