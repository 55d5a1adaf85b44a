// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/journal_socket.hpp"

#include "agent/fd.hpp"
#include "agent/log.hpp"

#include <catch2/catch.hpp>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace kongfleet::agent::test {

namespace {

/// What stands in for journald.
class JournalSocket {
public:
  JournalSocket() {
    char name[] = "/tmp/kongfleet-journal-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    directory_ = name;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path().c_str(), sizeof address.sun_path - 1);
    end_ = Fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(end_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  ~JournalSocket() { std::filesystem::remove_all(directory_); }
  std::string path() const { return directory_ + "/socket"; }
  std::string heard() {
    char bytes[4096];
    const auto size = ::recv(end_.get(), bytes, sizeof bytes, MSG_DONTWAIT);
    return size < 0 ? "" : std::string(bytes, static_cast<std::size_t>(size));
  }

private:
  std::string directory_;
  Fd end_;
};

}  // namespace

TEST_CASE("an entry for journald has a line for each field, and a length where one is not enough") {
  CHECK(journal_entry({{"MESSAGE", "ready"}, {"PRIORITY", "6"}}) == "MESSAGE=ready\nPRIORITY=6\n");
  const std::string length("\3\0\0\0\0\0\0\0", 8);
  CHECK(journal_entry({{"MESSAGE", "a\nb"}}) == "MESSAGE\n" + length + "a\nb\n");
}

TEST_CASE("an entry reaches journald's socket, and where there is none that is said") {
  JournalSocket journal;
  CHECK(send_to_journal("MESSAGE=x\n", journal.path()));
  CHECK(journal.heard() == "MESSAGE=x\n");
  CHECK_FALSE(send_to_journal("MESSAGE=x\n", journal.path() + "-not"));
  CHECK_FALSE(send_to_journal("MESSAGE=x\n", std::string(200, 'x')));
}

TEST_CASE("what is logged within a transaction names it, its rollout and its generation") {
  CHECK(log_fields("<4>", "x") == JournalFields{{"MESSAGE", "x"},
                                                {"PRIORITY", "4"},
                                                {"SYSLOG_IDENTIFIER", "kongfleet-agent"}});
  {
    const LogSubject subject("rollout-7/edge-1.2", 12);
    const auto fields = log_fields("<3>", "y");
    REQUIRE(fields.size() == 6);
    CHECK(fields[3] ==
          std::pair<std::string, std::string>("KONGFLEET_TRANSACTION", "rollout-7/edge-1.2"));
    CHECK(fields[4] == std::pair<std::string, std::string>("KONGFLEET_ROLLOUT", "rollout-7"));
    CHECK(fields[5] == std::pair<std::string, std::string>("KONGFLEET_GENERATION", "12"));
  }
  CHECK(log_fields("<6>", "z").size() == 3);
}

}  // namespace kongfleet::agent::test
