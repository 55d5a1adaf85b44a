// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/live_view.hpp"

#include "controller/text_view.hpp"
#include "proto/names.hpp"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

namespace kongfleet::controller {

namespace {

constexpr auto interval = std::chrono::milliseconds(250);
constexpr int patience_ms = 1000;  // with a terminal that does not read

/// The same terminal, through a description of our own that never waits; the one given is shared
/// with others.
int opened_anew(int screen) {
  const auto path = "/proc/self/fd/" + std::to_string(screen);
  const int own = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  return own >= 0 ? own : ::fcntl(screen, F_DUPFD_CLOEXEC, 0);
}

/// Signals are for the thread that runs the rollout.
class SignalsBlocked {
public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

private:
  sigset_t before_{};
};

}  // namespace

LiveView::Lines::Lines(LiveView& view, std::ostream& told)
    : view_(view), told_(told), before_(told.rdbuf(this)) {}

LiveView::Lines::~Lines() { told_.rdbuf(before_); }

LiveView::Lines::int_type LiveView::Lines::overflow(int_type character) {
  const std::lock_guard lock(view_.mutex_);
  if (character != traits_type::eof()) view_.said_ += traits_type::to_char_type(character);
  return traits_type::not_eof(character);
}

LiveView::LiveView(RunShape shape, int screen, std::ostream& told)
    : screen_(opened_anew(screen)), picture_(std::move(shape), Clock::now()) {
  const SignalsBlocked blocked;
  painter_ = std::thread([this] { keep_painting(); });
  lines_.emplace(*this, told);
}

LiveView::~LiveView() {
  lines_.reset();
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
    picture_.over(Clock::now());
  }
  wake_.notify_all();
  painter_.join();
  ::close(screen_);
}

// Nobody waits for the terminal but this thread: one that does not read must not hold the rollout.
void LiveView::keep_painting() {
  std::unique_lock lock(mutex_);
  for (bool last = false; !last;) {
    last = over_;
    const auto painted = frame();
    lock.unlock();
    write(painted);
    lock.lock();
    if (!last) wake_.wait_for(lock, interval, [this] { return over_; });
  }
}

// The whole lines of what was said; at the end what is left of it too.
std::string LiveView::said(bool all) {
  if (all && !said_.empty() && !said_.ends_with('\n')) said_ += '\n';
  std::string rows;
  for (auto end = said_.find('\n'); end != std::string::npos; end = said_.find('\n')) {
    rows += said_.substr(0, end) + "\x1b[K\r\n";
    said_.erase(0, end + 1);
  }
  return rows;
}

// One write a frame, so that nothing flickers: up to its first row, every row anew, and what is
// left below of a longer one taken away.
std::string LiveView::frame() {
  const auto window = window_of(screen_);
  const auto rows = picture_.paint(window, Clock::now());
  std::string frame = "\r";
  // A window that was made lower has lost the rows above.
  const auto up = std::min(painted_, window.height - 1);
  if (up > 0) frame += "\x1b[" + std::to_string(up) + "A";
  frame += said(over_);
  for (const auto& row : rows) frame += row + "\x1b[K\r\n";
  painted_ = rows.size();
  return frame + "\x1b[J";
}

void LiveView::write(const std::string& frame) const {
  for (std::size_t done = 0; done < frame.size();) {
    pollfd ready{screen_, POLLOUT, 0};
    if (::poll(&ready, 1, patience_ms) == 0) return;  // stopped (Ctrl-S), or nobody is there
    const auto wrote = ::write(screen_, frame.data() + done, frame.size() - done);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return;  // full, or gone: the rollout is not over for that
    done += static_cast<std::size_t>(wrote);
  }
}

void LiveView::wave(std::size_t number, std::size_t, std::size_t) {
  const std::lock_guard lock(mutex_);
  picture_.wave(number);
}

void LiveView::baking(std::size_t, std::size_t, std::chrono::milliseconds) {
  const std::lock_guard lock(mutex_);
  picture_.baking(Clock::now());
}

void LiveView::step(const HostRun& host, const wire::Progress& progress) {
  const auto text = printable(progress.text(), 300);
  const std::lock_guard lock(mutex_);
  picture_.step(host.label(), printable(progress.step(), 40) + (text.empty() ? "" : ": " + text),
                Clock::now());
}

// A host that is connected to, or sent what it needs, is at work as well.
void LiveView::intends(const HostRun& host, HostPhase phase) {
  const std::lock_guard lock(mutex_);
  picture_.phase(host.label(), phase, "", Clock::now());
}

void LiveView::phase(const HostRun& host, HostPhase phase) {
  const auto text = short_phase_text(host, phase);
  const std::lock_guard lock(mutex_);
  picture_.phase(host.label(), phase, text, Clock::now());
}

void LiveView::stopping(const std::string& why) {
  const std::lock_guard lock(mutex_);
  picture_.stopping(printable(why));
}

}  // namespace kongfleet::controller
