// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/interpreter_factory.hpp"

#include "agent/interpreter_nursery.hpp"
#include "proto/error.hpp"

#include <sys/socket.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace kongfleet::agent {

namespace {

std::array<Fd, 2> socket_pair(int type) {
  int ends[2];
  if (::socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) != 0) throw_errno("make a socket pair");
  return {Fd(ends[0]), Fd(ends[1])};
}

}  // namespace

InterpreterFactory::InterpreterFactory() {
  auto [ours, theirs] = socket_pair(SOCK_SEQPACKET);
  const pid_t daemon = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throw_errno("start the interpreters' factory");
  if (pid_ == 0) run_nursery(theirs.get(), daemon);
  requests_ = std::move(ours);
}

InterpreterFactory::~InterpreterFactory() {
  requests_ = Fd();
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Fd InterpreterFactory::start(const Fd& peer, unsigned long number) const {
  auto [ours, theirs] = socket_pair(SOCK_STREAM);
  const int passed[] = {peer.get(), theirs.get()};
  NurseryRequest request{number, NurseryRequest::Start};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof passed)] = {};
  iovec bytes{&request, sizeof request};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  auto& header = *CMSG_FIRSTHDR(&message);
  header.cmsg_level = SOL_SOCKET;
  header.cmsg_type = SCM_RIGHTS;
  header.cmsg_len = CMSG_LEN(sizeof passed);
  std::memcpy(CMSG_DATA(&header), passed, sizeof passed);
  if (::sendmsg(requests_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
    throw_errno("ask for an interpreter");
  return std::move(ours);
}

void InterpreterFactory::over(unsigned long number) const noexcept {
  const NurseryRequest request{number, NurseryRequest::Over};
  ::send(requests_.get(), &request, sizeof request, MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace kongfleet::agent
