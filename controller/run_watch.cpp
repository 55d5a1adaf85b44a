// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/run_watch.hpp"

#include "controller/durable_file.hpp"
#include "controller/json_view.hpp"
#include "controller/metrics_text.hpp"
#include "proto/error.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <csignal>
#include <functional>
#include <sstream>
#include <thread>

namespace kongfleet::controller {

namespace {

constexpr auto drain_max = std::chrono::seconds(10);  // for what is still to be posted at the end

/// Passes everything on, and posts it as --output json prints it; a host's single steps it does
/// not.
class PostingView final : public RunView {
public:
  PostingView(RunView& inner, Webhook& webhook) : inner_(inner), webhook_(webhook), json_(text_) {}
  void wave(std::size_t number, std::size_t of, std::size_t hosts) override {
    inner_.wave(number, of, hosts);
    json_.wave(number, of, hosts);
    post();
  }
  void baking(std::size_t number, std::size_t of, std::chrono::milliseconds time) override {
    inner_.baking(number, of, time);
    json_.baking(number, of, time);
    post();
  }
  void step(const HostRun& host, const wire::Progress& progress) override {
    inner_.step(host, progress);
  }
  void phase(const HostRun& host, HostPhase phase) override {
    inner_.phase(host, phase);
    json_.phase(host, phase);
    post();
  }
  void stopping(const std::string& why) override {
    inner_.stopping(why);
    json_.stopping(why);
    post();
  }
  void ends(const RememberedRollout& other, const std::string& text) override {
    inner_.ends(other, text);
    json_.ends(other, text);
    post();
  }

private:
  void post() {
    webhook_.post(text_.str());
    text_.str("");
  }
  RunView& inner_;
  Webhook& webhook_;
  std::ostringstream text_;
  JsonView json_;
};

}  // namespace

std::string write_metrics(const Fleet& fleet, const RunEnd& end, std::chrono::milliseconds took) {
  if (fleet.metrics.empty()) return "";
  const RunTimes times{.ended = std::chrono::system_clock::now(), .took = took};
  try {
    replace_file(fleet.metrics, metrics_text(fleet.name, end, times), Readers::All);
    return "";
  } catch (const Error& error) {
    return std::string("metrics: ") + error.what();
  }
}

RunWatch::RunWatch(const Fleet& fleet, const std::string& run, bool goes_back) : fleet_(fleet) {
  const auto& hooks = fleet.hooks;
  const bool any = !hooks.before_wave.empty() || !hooks.before_host.empty() ||
                   !hooks.after_host.empty() || !hooks.after_rollout.empty();
  if (any) {
    hooks_ = std::make_unique<RolloutHooks>(
        fleet, run, [this](std::string trouble) { troubles_.push_back(std::move(trouble)); });
  }
  if (fleet.webhook.url.empty()) return;
  try {
    webhook_ = std::make_unique<Webhook>(fleet.webhook, run);
  } catch (const Error& error) {
    if (!goes_back) throw;
    troubles_.push_back(std::string("webhook: it is told nothing: ") + error.what());
  }
}

RunWatch::~RunWatch() = default;

RunView& RunWatch::around(RunView& view) {
  if (!webhook_) return view;
  tee_ = std::make_unique<PostingView>(view, *webhook_);
  return *tee_;
}

RolloutGate* RunWatch::gate() { return hooks_.get(); }

namespace {

/// While it lives, SIGINT and SIGTERM call `hurry`, from a thread of its own.
class Impatience {
public:
  explicit Impatience(std::function<void()> hurry)
      : hurry_(std::move(hurry)), signals_(io_, SIGINT, SIGTERM) {
    signals_.async_wait([this](const boost::system::error_code& cancelled, int) {
      if (!cancelled) hurry_();
    });
    thread_ = std::thread([this] { io_.run(); });
  }
  ~Impatience() {
    io_.stop();
    thread_.join();
  }
  Impatience(const Impatience&) = delete;
  Impatience& operator=(const Impatience&) = delete;

private:
  std::function<void()> hurry_;
  boost::asio::io_context io_;
  boost::asio::signal_set signals_;
  std::thread thread_;
};

}  // namespace

std::vector<std::string> RunWatch::end(const RunEnd& end) {
  const Impatience impatience([this] {
    if (hooks_) hooks_->leave();
    if (webhook_) webhook_->hurry();
  });
  const bool ours = end.taken_over.empty();
  if (hooks_ && (end.abandoned || !ours)) {
    auto skipped = hooks_->leave();
    if (!skipped.empty()) troubles_.push_back(std::move(skipped));
  } else if (hooks_) {
    hooks_->after_rollout(end);
  }
  const auto took = std::chrono::steady_clock::now() - began_;
  auto unwritten =
      ours ? write_metrics(fleet_, end, std::chrono::duration_cast<std::chrono::milliseconds>(took))
           : "";
  if (!unwritten.empty()) troubles_.push_back(std::move(unwritten));
  if (webhook_) {
    std::ostringstream text;
    print_end_json(text, end);
    webhook_->post(text.str());
    auto undelivered = webhook_->finish(end.abandoned ? std::chrono::seconds(0) : drain_max);
    if (!undelivered.empty()) troubles_.push_back(std::move(undelivered));
  }
  return std::move(troubles_);
}

}  // namespace kongfleet::controller
