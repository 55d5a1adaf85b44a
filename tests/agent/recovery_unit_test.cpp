// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/recovery_unit.hpp"

#include "tests/agent/agent_fixture.hpp"

#include <catch2/catch.hpp>

namespace kongfleet::agent::test {
namespace {

const std::string ours =
    "LoadState=loaded\nProtectSystem=strict\nReadWritePaths=-/etc/kong -/usr/local/kong "
    "/var/lib/kongfleet \"/opt/with blank\" /srv/\n";

bool can_write(const std::string& shown, const std::string& directory) {
  return !recovery_defect(shown, directory);
}

}  // namespace

TEST_CASE("the unit that recovers at boot must be able to write where we do") {
  CHECK(can_write(ours, "/etc/kong"));
  CHECK(can_write(ours, "/etc/kong/conf.d"));
  CHECK(can_write(ours, "/opt/with blank"));
  CHECK(can_write(ours, "/srv/kong"));
  CHECK_FALSE(can_write(ours, "/etc/kongfleet"));
  CHECK_FALSE(can_write(ours, "/etc"));
  const auto defect = recovery_defect(ours, "/etc/default");
  REQUIRE(defect);
  CHECK(sentence(*defect) ==
        "/etc/default: kongfleet-recover.service can't write here: after a power cut it could not "
        "take back what nobody confirmed (mkdir -p /etc/systemd/system/kongfleet-agent.service.d "
        "/etc/systemd/system/kongfleet-recover.service.d && printf "
        "'[Service]\\nReadWritePaths=/etc/default\\n' | tee -a "
        "/etc/systemd/system/kongfleet-agent.service.d/zz-kongfleet-paths.conf "
        ">>/etc/systemd/system/kongfleet-recover.service.d/zz-kongfleet-paths.conf && systemctl "
        "daemon-reload && systemctl try-restart kongfleet-agent.service)");
  CHECK(recovery_defect(ours, "/etc")->advice.starts_with("all of /etc is too much to open"));
  for (const auto* odd : {"/opt/a b", "/opt/100%", "/opt/a,b", "/opt/it's"})
    CHECK(recovery_defect(ours.substr(0, ours.find("\"/opt")) + "\n", odd)->advice ==
          std::string("add a drop-in for it with ReadWritePaths=") + odd + " below [Service]");
}

TEST_CASE("who removes stale sockets must be able to write Kong's prefix") {
  CHECK_FALSE(sockets_defect(ours, "/usr/local/kong"));
  CHECK_FALSE(sockets_defect(ours, "/srv/kong"));
  CHECK_FALSE(sockets_defect("LoadState=not-found\n", "/opt/kong"));
  const auto defect = sockets_defect(ours, "/opt/kong");
  REQUIRE(defect);
  CHECK(defect->file == "/opt/kong");
  CHECK(defect->text ==
        "kongfleet-recover.service can't write here: sockets that Kong leaves in its prefix when "
        "it is killed would stay, and keep it from starting");
  CHECK(defect->advice == recovery_defect(ours, "/opt/kong")->advice);
  const TempDir directory;
  const auto itself = std::filesystem::canonical(directory.path());
  const auto link = itself / "kong";
  std::filesystem::create_directory(itself / "opened");
  std::filesystem::create_symlink(itself / "opened", link);
  CHECK(sockets_defect(ours, link));
  CHECK_FALSE(sockets_defect(ours + "ReadWritePaths=" + link.string() + "\n", link));
  CHECK_FALSE(sockets_defect(ours + "ReadWritePaths=" + (itself / "opened").string() + "\n", link));
}

TEST_CASE("a unit that is not there, or not locked in, is no obstacle") {
  CHECK(can_write("", "/etc/default"));
  CHECK(can_write("LoadState=not-found\nProtectSystem=no\nReadWritePaths=\n", "/etc/default"));
  CHECK(can_write("LoadState=loaded\nProtectSystem=no\nReadWritePaths=\n", "/etc/default"));
  CHECK(can_write("LoadState=loaded\n", "/etc/default"));  // a systemd that knows neither
}

TEST_CASE("a unit that recovers at boot must be enabled") {
  CHECK_FALSE(recovery_disabled("LoadState=loaded\nUnitFileState=enabled\n"));
  CHECK_FALSE(recovery_disabled("LoadState=not-found\nUnitFileState=\n"));
  CHECK_FALSE(recovery_disabled(""));
  const auto disabled = recovery_disabled("LoadState=loaded\nUnitFileState=disabled\n");
  REQUIRE(disabled);
  CHECK(disabled->advice == "systemctl enable kongfleet-recover.service");
  const auto masked = recovery_disabled("LoadState=masked\nUnitFileState=masked\n");
  REQUIRE(masked);
  CHECK(masked->advice == "systemctl unmask kongfleet-recover.service");
}

TEST_CASE("a unit that recovers at boot must do so before Kong's own starts") {
  const std::string shown =
      "LoadState=loaded\nUnitFileState=enabled\nBefore=kong.service x.target\n";
  CHECK_FALSE(recovery_unordered(shown, "kong.service"));
  CHECK_FALSE(recovery_unordered("LoadState=not-found\nBefore=\n", "gateway.service"));
  const auto late = recovery_unordered(shown, "gateway.service");
  REQUIRE(late);
  CHECK(late->text.starts_with("kongfleet-recover.service is not ordered before gateway.service"));
  CHECK(late->advice ==
        "mkdir -p /etc/systemd/system/kongfleet-recover.service.d && printf "
        "'[Unit]\\nBefore=%s\\n' 'gateway.service' "
        ">>/etc/systemd/system/kongfleet-recover.service.d/zz-kongfleet-order.conf && systemctl "
        "daemon-reload");
  CHECK(recovery_unordered(shown, "kong"));  // no part of a name
}

TEST_CASE("where no unit starts Kong, it is rc.local or cron that the recovery comes before") {
  const std::string shown = "LoadState=loaded\nBefore=kong.service";
  const auto late = recovery_unordered(shown, "");
  REQUIRE(late);
  CHECK(late->text.find("which is no unit, but may be rc.local or cron") != std::string::npos);
  CHECK(late->advice.find("'rc-local.service cron.service crond.service'") != std::string::npos);
  CHECK(recovery_unordered(shown + " rc-local.service\n", ""));
  CHECK_FALSE(recovery_unordered(shown + " crond.service cron.service rc-local.service\n", ""));
  CHECK_FALSE(recovery_unordered("LoadState=not-found\nBefore=\n", ""));
}

TEST_CASE("the service that started a process is known by its cgroup") {
  CHECK(service_in("0::/system.slice/rc-local.service\n") == "rc-local.service");
  CHECK(service_in("12:pids:/x\n1:name=systemd:/system.slice/cron.service\n") == "cron.service");
  CHECK(service_in("1:name=systemd:/system.slice/a.service/b\n0::/\n") == "a.service");
  for (const auto* nobody :
       {"", "0::/\n", "0::/user.slice/user-0.slice/session-3.scope\n",
        "0::/system.slice/ssh.service\n",
        "0::/user.slice/user-0.slice/user@0.service/app.slice/kong.service\n",
        "0::/system.slice/run-r12.service\n", "1:cpu:/system.slice/a.service\n"})
    CHECK(service_in(nobody).empty());
}

}  // namespace kongfleet::agent::test
