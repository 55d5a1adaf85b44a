// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
//
// interpreter-test: what the real agent's factory and interpreters may do, what hostile peers cost
// its daemon, what is left when any of the three is killed, and when the kernel refuses them
// something: descriptors, threads, a sandbox.
#include "proto/zstd_stream.hpp"
#include "tests/crash/agent.hpp"
#include "tests/crash/host_check.hpp"
#include "tests/crash/lane.hpp"
#include "tests/crash/raw_peer.hpp"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <fstream>
#include <iostream>
#include <sstream>

namespace kongfleet::crash {

namespace {

constexpr auto limit = std::chrono::seconds(30);
constexpr std::size_t daemon_growth_max = 1024;  // KiB, by all that is hostile here together

void require(bool good, const std::string& what) {
  if (!good) throw Error(what);
}

std::vector<pid_t> children_of(pid_t pid) {
  const auto number = std::to_string(pid);
  std::ifstream file("/proc/" + number + "/task/" + number + "/children");
  return {std::istream_iterator<pid_t>(file), {}};
}

/// Of /proc/PID/status, whitespace made one blank.
std::string status_field(pid_t pid, const std::string& name) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(name + ":")) continue;
    std::istringstream words(line.substr(name.size() + 1));
    std::string text;
    for (std::string word; words >> word;) text += (text.empty() ? "" : " ") + word;
    return text;
  }
  return {};
}

std::size_t peak_kib(pid_t pid) { return std::stoul(status_field(pid, "VmHWM")); }

/// Until it has ended, whoever its parent is.
class Watched {
public:
  explicit Watched(pid_t pid) : fd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {
    if (fd_ < 0) throw_errno("watch a process");
  }
  ~Watched() { ::close(fd_); }
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;
  bool ends() const {
    pollfd event{fd_, POLLIN, 0};
    return ::poll(&event, 1, 10'000) == 1;
  }

private:
  int fd_;
};

wire::ToAgent hello() {
  wire::ToAgent message;
  message.mutable_hello()->set_protocol(protocol_version);
  return message;
}

struct Scenery {
  const CrashHost& host;
  Agent& agent;

  pid_t daemon() const { return agent.process().pid(); }
  pid_t factory() const {
    const auto children = children_of(daemon());
    require(children.size() == 1, "the daemon has not one child, its factory");
    return children.front();
  }
  /// The only one, which may be about to start, or others about to end.
  pid_t interpreter() const {
    std::vector<pid_t> found;
    const auto one = [&] {
      found = children_of(factory());
      return found.size() == 1 && status_field(found.front(), "Seccomp") == "2" &&
             status_field(found.front(), "Name") == "kf-interpreter";
    };
    require(comes_true(one, Clock::now() + limit), "there is not one interpreter");
    return found.front();
  }
  RawPeer peer() const {
    RawPeer peer(host.socket());
    peer.say(hello());
    require(peer.hear().has_welcome(), "no welcome");
    return peer;
  }
  void serves_others() const {
    require(agent.talk(Clock::now() + limit)->status().state() == "ready", "the host is not ready");
    const auto clean = [this] { return check_leftovers(host).empty(); };
    require(comes_true(clean, Clock::now() + limit), "something unfinished stays");
  }
};

wire::ToAgent proposal(const std::string& manifest) {
  wire::ToAgent message;
  message.mutable_propose()->add_manifests(manifest);
  return message;
}

void confined(const Scenery& on) {
  const auto peer = on.peer();
  const auto interpreter = on.interpreter();
  for (const auto pid : {on.factory(), interpreter}) {
    for (const auto* set : {"CapInh", "CapPrm", "CapEff", "CapAmb"})
      require(status_field(pid, set) == "0000000000000000", std::string(set) + " is not empty");
    require(status_field(pid, "NoNewPrivs") == "1", "new privileges are possible");
    require(status_field(pid, "Seccomp") == "2", "system calls are not filtered");
    require(status_field(pid, "Uid") == "65534 65534 65534 65534", "it is another user's");
    require(status_field(pid, "Groups").empty(), "it is in groups");
  }
  std::vector<std::string> fds;
  for (const auto& fd : fs::directory_iterator("/proc/" + std::to_string(interpreter) + "/fd"))
    fds.push_back(fs::read_symlink(fd.path()).string().substr(0, 8));
  require(fds == std::vector<std::string>{"socket:[", "socket:["}, "it has other descriptors");
}

/// What the agent says to a message that is refused; empty when it closes without a word.
std::string refusal_of(RawPeer& peer, const wire::ToAgent& message) {
  peer.say(message);
  const auto answer = peer.hear_or_end();
  return answer ? answer->refused().text() : "";
}

std::string many_lines() {
  std::string text = "kongfleet-manifest 1\nname greet\nversion 1.0.0\n";
  for (int i = 0; i < 1'000'000; ++i) text += "f\n";
  return text;
}

std::string many_files() {
  std::string text = "kongfleet-manifest 1\nname greet\nversion 1.0.0\n";
  const std::string digest(64, 'a');
  for (int i = 100'000; text.size() < 4'000'000; ++i)
    text += "file 0644 1 " + digest + " greet/" + std::to_string(i) + "\n";
  return text;
}

void hostile_sizes(const Scenery& on) {
  const auto before = peak_kib(on.daemon());
  on.peer().say_raw(std::string("\x7f\xff\xff\xff", 4));
  for (const auto& text : {many_lines(), many_files()}) {
    auto peer = on.peer();
    require(!refusal_of(peer, proposal(text)).empty(), "a manifest beyond all limits");
  }
  wire::ToAgent message;
  for (int i = 0; i < 2'000'000; ++i) message.mutable_propose()->add_manifests();
  auto one = on.peer();
  refusal_of(one, message);  // or it dies, for want of memory
  for (int i = 0; i < 2'000'000; ++i) message.mutable_apply()->add_probes();
  auto two = on.peer();
  refusal_of(two, message);
  auto three = on.peer();
  three.say(proposal(make_release("1.0.0").manifest.text()));
  require(three.hear().plan().missing_size() > 0, "nothing is missing");
  message.mutable_blob()->set_data(zstd_compress(std::string(std::size_t{256} << 20, '\0')));
  const auto said = refusal_of(three, message);
  require(said.find("bytes announced") != std::string::npos, "256 MiB of content: " + said);
  on.serves_others();
  const auto after = peak_kib(on.daemon());
  std::cerr << "the daemon's peak: " << before << " KiB, then " << after << " KiB\n";
  require(after <= before + daemon_growth_max, "hostile sizes cost the daemon memory");
}

void interpreter_killed(const Scenery& on) {
  for (const auto* when : {"a Propose", "a Blob"}) {
    auto peer = on.peer();
    auto message = proposal(make_release("1.0.0").manifest.text());
    if (when == std::string("a Blob")) {
      peer.say(message);
      require(peer.hear().plan().missing_size() > 0, "nothing is missing");
      require(!check_leftovers(on.host).empty(), "nothing is received");
      message.mutable_blob()->set_data(std::string(100'000, 'x'));
    }
    const auto bytes = frame(message.SerializeAsString());
    peer.say_raw(bytes.substr(0, bytes.size() / 2));
    ::kill(on.interpreter(), SIGKILL);
    require(!peer.hear_or_end(), std::string("an answer after the death in ") + when);
    on.serves_others();
  }
  require(content_of(on.host.log()).find("killed by signal 9") != std::string::npos,
          "the log does not tell of an interpreter's death");
}

void factory_killed(const CrashHost& host) {
  Agent agent(host);
  const Scenery on{host, agent};
  on.serves_others();
  const auto peer = on.peer();
  const Watched interpreter(on.interpreter());
  ::kill(on.factory(), SIGKILL);
  const auto status = agent.process().wait(Clock::now() + limit);
  require(status && WIFEXITED(*status) && WEXITSTATUS(*status) == 1, "the daemon does not end");
  require(interpreter.ends(), "the interpreter outlives the factory");
}

void daemon_killed(const CrashHost& host) {
  Agent agent(host);
  const Scenery on{host, agent};
  on.serves_others();
  const auto peer = on.peer();
  const Watched interpreter(on.interpreter());
  const Watched factory(on.factory());
  agent.process().kill();
  require(factory.ends() && interpreter.ends(), "something outlives the daemon");
}

/// An agent that says it is ready, and was spoken to by nobody.
class FreshAgent : public Agent {
public:
  explicit FreshAgent(const CrashHost& host, const std::vector<std::string>& wrapper = {})
      : FreshAgent(host, wrapper, content_of(host.log()).size()) {}
  bool logs(const std::string& words, std::size_t times, Clock::duration within = limit) const {
    const auto logged = [&] {
      const auto text = content_of(log_);
      auto at = text.find(words, since_);
      for (auto more = times; --more > 0 && at != text.npos;) at = text.find(words, at + 1);
      return at != text.npos;
    };
    return comes_true(logged, Clock::now() + within);
  }

private:
  FreshAgent(const CrashHost& host, const std::vector<std::string>& wrapper, std::size_t since)
      : Agent(host, wrapper), log_(host.log()), since_(since) {
    require(logs("ready, version", 1), "the agent is not ready");
  }
  fs::path log_;
  std::size_t since_;
};

/// A limit of another process, until this goes.
class Lowered {
public:
  Lowered(pid_t pid, decltype(RLIMIT_AS) what, rlim_t value) : pid_(pid), what_(what) {
    const auto get = ::prlimit(pid, what, nullptr, &before_);
    const rlimit lower{value, before_.rlim_max};
    require(get == 0 && ::prlimit(pid, what, &lower, nullptr) == 0, "a limit can't be set");
  }
  ~Lowered() { ::prlimit(pid_, what_, &before_, nullptr); }
  Lowered(const Lowered&) = delete;
  Lowered& operator=(const Lowered&) = delete;

private:
  pid_t pid_;
  decltype(RLIMIT_AS) what_;
  rlimit before_{};
};

std::chrono::nanoseconds processor_time(pid_t pid) {
  return std::chrono::nanoseconds(
      std::stoll(content_of("/proc/" + std::to_string(pid) + "/schedstat")));
}

// Who connects waits until there are some again; what waits costs no time, and few words.
void no_descriptors(const CrashHost& host) {
  constexpr auto look = std::chrono::milliseconds(2000);
  const std::string words = "a conversation could not begin";
  FreshAgent agent(host);
  const auto pid = agent.process().pid();
  std::optional<Lowered> lowered(std::in_place, pid, RLIMIT_NOFILE, 3);  // it polls as many
  const auto before = processor_time(pid);
  RawPeer peer(host.socket());
  peer.say(hello());
  require(agent.logs(words, 1), "nothing is said of it");
  require(!agent.logs(words, 2, look), "it is said again and again");
  require(processor_time(pid) - before < look / 10, "it takes processor time");
  lowered.reset();
  require(peer.hear().has_welcome(), "who waited is not heard");
}

// A thread's stack is 8 MiB of address space.
void no_threads(const CrashHost& host) {
  FreshAgent agent(host);
  {
    const auto pid = agent.process().pid();
    const Lowered lowered(pid, RLIMIT_AS, (std::stoul(status_field(pid, "VmSize")) + 1024) << 10);
    RawPeer peer(host.socket());
    peer.say(hello());
    require(!peer.hear_or_end(), "the limit is none");
    require(agent.logs("a conversation could not begin", 1), "nothing is said of it");
  }
  Scenery{host, agent}.serves_others();
}

/// What a kernel refuses, by the name that main takes.
struct Refusal {
  std::string name;
  int call;
  std::size_t argument;
  unsigned value;
  unsigned error;
  std::string told;
};
const Refusal refusals[] = {
    {"filters", SYS_prctl, 0, PR_SET_SECCOMP, EINVAL,
     "nobody is served, for want of a sandbox: filter system calls"},
    {"limits", SYS_prlimit64, 1, RLIMIT_NPROC, EPERM,
     "no interpreter, which could not be confined: limit processes"},
};

/// Runs the program as on such a kernel.
int run_refused(const std::string& name, char** program) {
  for (const auto& each : refusals) {
    if (each.name != name) continue;
    const auto argument = offsetof(seccomp_data, args) + each.argument * sizeof(__u64);
    sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<unsigned>(each.call), 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, static_cast<unsigned>(argument)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, each.value, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | each.error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog filter{std::size(code), code};
    if (::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0) ::execv(program[0], program);
  }
  return 1;
}

// Who reads what controllers send has given up everything, or does not read.
void no_sandbox(const CrashHost& host) {
  for (const auto& each : refusals) {
    FreshAgent agent(host, {fs::read_symlink("/proc/self/exe"), each.name});
    RawPeer peer(host.socket());
    peer.say(hello());
    require(!peer.hear_or_end(), "served without " + each.name);
    require(agent.logs(each.told, 1), "the step is not named: " + each.name);
    require(!agent.process().ended(), "the daemon ends without " + each.name);
  }
}

std::string prove(std::size_t) {
  const CrashHost host(lane_directory() / "host");
  host.make();
  host.start_kong();
  try {
    {
      Agent agent(host);
      const Scenery on{host, agent};
      on.serves_others();
      confined(on);
      hostile_sizes(on);
      interpreter_killed(on);
      const auto conversation = agent.talk(Clock::now() + limit);
      const auto outcome = deploy(*conversation, make_release("1.0.0"), "after all that");
      require(outcome.result() == wire::Outcome::COMMITTED, outcome.cause());
    }
    factory_killed(host);
    daemon_killed(host);
    no_descriptors(host);
    no_threads(host);
    no_sandbox(host);
  } catch (const Error& error) {
    throw Error(error.what() + ("\n" + content_of(host.log())));
  }
  host.kill_kong();
  return "";
}

}  // namespace

}  // namespace kongfleet::crash

int main(int argc, char** argv) {
  using namespace kongfleet::crash;
  if (argc > 2) return run_refused(argv[1], argv + 2);
  const auto answers = in_lanes({.jobs = 1, .lanes = 1}, [] { return prove; });
  std::cerr << answers.front() << (answers.front().empty() ? "" : "\n");
  return answers.front().empty() ? 0 : 1;
}
