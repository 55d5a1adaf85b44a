// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "controller/rollout_picture.hpp"
#include "controller/run_view.hpp"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <ostream>
#include <streambuf>
#include <thread>

namespace kongfleet::controller {

/// A rollout on a terminal: a RolloutPicture that is painted over itself, four times a second at
/// most, by a thread of its own; a change of the window's size is followed. When it is over its
/// last state stays on the screen, with the cursor below it. Until then nobody else may write
/// there; what is said on `told` comes above the picture, line by line, and stays.
class LiveView final : public RunView {
public:
  /// `screen`: a descriptor that is_screen(); `told`: a stream that goes there too.
  LiveView(RunShape shape, int screen, std::ostream& told);
  ~LiveView() override;
  LiveView(const LiveView&) = delete;
  LiveView& operator=(const LiveView&) = delete;
  void wave(std::size_t number, std::size_t of, std::size_t hosts) override;
  void baking(std::size_t number, std::size_t of, std::chrono::milliseconds time) override;
  void step(const HostRun& host, const wire::Progress& progress) override;
  void intends(const HostRun& host, HostPhase phase) override;
  void phase(const HostRun& host, HostPhase phase) override;
  void stopping(const std::string& why) override;

private:
  using Clock = std::chrono::steady_clock;
  void keep_painting();
  std::string frame();
  std::string said(bool all);
  void write(const std::string& frame) const;

  /// Takes the place of a stream's buffer for as long as it lives.
  class Lines final : public std::streambuf {
  public:
    Lines(LiveView& view, std::ostream& told);
    ~Lines() override;
    Lines(const Lines&) = delete;
    Lines& operator=(const Lines&) = delete;

  protected:
    int_type overflow(int_type character) override;

  private:
    LiveView& view_;
    std::ostream& told_;
    std::streambuf* before_;
  };

  const int screen_;
  std::mutex mutex_;  // guards what is below
  RolloutPicture picture_;
  std::size_t painted_ = 0;  // rows on the screen above the cursor
  std::string said_;         // and not shown yet
  bool over_ = false;
  std::condition_variable wake_;
  std::thread painter_;
  std::optional<Lines> lines_;
};

}  // namespace kongfleet::controller
