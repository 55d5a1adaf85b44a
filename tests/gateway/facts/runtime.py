# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Plugins that load and then fail, and files that are needed late."""

import os
import re
import signal

from .node import until


def error_in_access(check, node):
    node.generation("1")
    node.write_conf()
    node.start()
    old = node.workers()
    node.use("4")
    check("gen4 (access throws): reload is exit 0", node.reload().code == 0)
    node.replaced(old)
    reply = node.get(node.proxy, "/a")
    check("… every request is 500 with Kong's message", reply.status == 500
          and re.sub(r"\s", "", reply.body).startswith('{"message":"Anunexpectederroroccurred"'),
          reply)
    check("… headers set before the error are there", reply.headers.get("x-myplugin") == "4.0.0")
    log = node.error_log()
    check("… the log names plugin, file and line", re.search(
        r"\[error\] \d+#\d+: \*\d+ \[kong\] \S+\.lua:\d+ \[my-plugin\] \S+/handler\.lua:\d+: "
        r"attempt to index local 't' \(a nil value\), client: ", log), log[-1500:])
    check("… health is 0, /status 200", node.run("health", "-p", node.prefix).code == 0
          and node.get(node.status, "/status").status == 200)
    check("… the Admin API shows the new configuration",
          "gen4" in node.node()["configuration"]["lua_package_path"])


def error_in_init_worker(check, node):
    node.generation("1")
    node.write_conf()
    node.start()
    old, offset = node.workers(), node.error_log_size()
    node.use("5")
    check("gen5 (init_worker throws): reload is exit 0", node.reload().code == 0)
    check("… new workers serve", node.replaced(old) and node.served("5.0.0"), node.ask())
    log = node.error_log(offset)
    found = re.findall(
        r"\[crit\] (\d+)#\d+: .*worker initialization error: failed to execute the "
        r'"init_worker" handler for plugin "my-plugin": .*boom in init_worker; '
        r"this node must be restarted", log)
    check("… one [crit] line by each worker", set(map(int, found)) == node.workers(), log[-1500:])
    offset = node.error_log_size()
    node.ask()
    check("… every request logs [alert] unsafe request processing", until(lambda: re.search(
        r"\[alert\] .*unsafe request processing due to earlier initialization errors; "
        r"this node must be restarted \(", node.error_log(offset))), node.error_log(offset))
    check("… health is 0", node.run("health", "-p", node.prefix).code == 0)
    if check.is_3x:
        check("… and /status/ready is 200", until(lambda: node.ready().status == 200))
    result = node.run("restart", "-c", node.conf)
    check("… restart is exit 0 too", result.code == 0, result)


def broken_admin_module(check, node):
    node.generation("1")
    node.write_conf()
    node.start()
    old = node.workers()
    node.use("6")
    check("gen6 (api.lua broken): reload is exit 0", node.reload().code == 0)
    check("… new workers serve", node.replaced(old) and node.served("6.0.0"), node.ask())
    for path in ("/", "/status", "/nosuch"):
        replies = {node.get(node.admin, path).status for _ in range(4)}
        check(f"… the Admin API is 500 on {path}", replies == {500}, replies)
    check("… as nginx's own HTML page", "<html>" in node.get(node.admin, "/").body)
    check("… the status listener is 200", node.get(node.status, "/status").status == 200)
    check("… health is 0", node.run("health", "-p", node.prefix).code == 0)
    if check.is_3x:
        check("… and /status/ready is 200", until(lambda: node.ready().status == 200))


def late_modules(check, node):
    # With reuseport the kernel deals connections out evenly; without, one worker may take all.
    node.settings["proxy_listen"] = f"127.0.0.1:{node.proxy} reuseport"
    node.use("7")
    node.start()

    def warm():
        return {node.get(node.proxy, "/a").headers.get("x-worker") for _ in range(8)}
    both = {str(pid) for pid in node.workers()}
    until(lambda: warm() == both)
    os.rename(os.path.join(node.root, "gen7"), os.path.join(node.root, "gone"))
    replies = [node.get(node.proxy, "/a").status for _ in range(10)]
    check("a generation moved away: workers that loaded its late module serve on",
          set(replies) == {200}, replies)
    old = node.workers()
    os.kill(sorted(old)[0], signal.SIGKILL)
    until(lambda: len(node.workers()) == 2 and node.workers() != old)
    found = until(lambda: {200, 500} == {node.get(node.proxy, "/a").status for _ in range(20)})
    check("… a respawned worker answers 500, the other 200", found)


def permissions(check, node):
    path = node.generation("7")
    os.chmod(os.path.join(node.root, "gen7"), 0o700)
    node.write_conf(lua_package_path=path)
    result = node.run("start", "-c", node.conf)
    check("a generation only root may enter: start is exit 0", result.code == 0, result)
    check("… its late module is out of the workers' reach: 500", node.ask() == (500, "7.0.0"),
          node.ask())
    path = node.generation("2")
    plugin = os.path.join(node.root, "gen2", "kong", "plugins", "my-plugin")
    for name in os.listdir(plugin):
        os.chmod(os.path.join(plugin, name), 0o600)
    node.write_conf(lua_package_path=path)
    old = node.workers()
    node.reload()
    check("handler and schema that only root may read: fine",
          node.replaced(old) and node.served("2.0.0"), node.ask())
    owners = {os.stat(f"/proc/{pid}").st_uid for pid in node.workers()}
    check("the workers are not root", 0 not in owners and os.stat(
        f"/proc/{node.master()}").st_uid == 0, owners)


GROUPS = [error_in_access, error_in_init_worker, broken_admin_module, late_modules, permissions]
