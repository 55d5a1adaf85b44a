# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""What 3.x does and 2.8 has not: readiness, Kong Manager's listener, sockets in the prefix."""

import os
import signal

from .node import until


def heals(check, node, how, action):
    """After a rejected reload not ready; after `action` ready again."""
    node.write_conf()
    old = node.workers()
    node.reload()
    node.replaced(old)
    until(lambda: node.ready().status == 200)
    node.use("3a")
    node.reload()
    reply = until(lambda: node.ready().status == 503 and node.ready())
    check(f"before {how}: 503 while every request is served",
          reply and "router ready in 0 of 2 workers" in reply.body and node.served("1.0.0"), reply)
    action()
    check(f"{how} makes it ready again", until(lambda: node.ready().status == 200), node.ready())


def readiness_after_rejection(check, node):
    if not check.is_3x:
        return
    node.generation("1")
    node.write_conf()
    node.start()
    check("ready after start", until(lambda: node.ready().status == 200), node.ready())

    def reload():
        node.write_conf()
        node.reload()

    def kill_both():
        old = node.workers()
        for pid in old:
            os.kill(pid, signal.SIGKILL)
        node.replaced(old)

    def post():
        node.post_config(open(node.yml, encoding="utf-8").read())

    heals(check, node, "a good reload", reload)
    heals(check, node, "killing both workers", kill_both)
    check("… with the old code", node.served("1.0.0"))
    heals(check, node, "POST /config", post)
    check("… though pids.workers is still missing", node.admin_workers() is None,
          node.admin_workers())


def readiness_during_reload(check, node):
    if not check.is_3x:
        return
    node.generation("1")
    node.write_conf()
    node.start()
    until(lambda: node.ready().status == 200)
    node.use("2")
    node.reload()
    first = node.ready().status
    gap = until(lambda: node.ready().status == 503)
    check("right after kong reload it is 200 still, and 503 later", first == 200 and gap, first)
    check("… then 200", until(lambda: node.ready().status == 200) and node.served("2.0.0"))


def long_prefix(check, node):
    if not check.is_3x:
        return
    node.generation("1")
    node.write_conf(prefix=os.path.join(node.root, "n" * 80))
    result = node.run("start", "-c", node.conf)
    check("a prefix too long for a socket's path: exit 1", result.code == 1
          and "too long path in the unix domain socket" in result.err, result)


def manager_listener(check, node):
    node.generation("1")
    node.write_conf(admin_gui_listen=None)
    result = node.run("prepare", "-c", node.conf)
    check("admin_gui_listen: 0.0.0.0:8002 and 8445 ssl unless set, from 3.4 on",
          result.code == 0 and node.env("admin_gui_listen") == (
              "0.0.0.0:8002,0.0.0.0:8445 ssl" if check.is_3x else None),
          node.env("admin_gui_listen"))


def base_plugin(check, node):
    node.generation("base")
    node.use("base")
    result = node.run("start", "-c", node.conf)
    if check.is_3x:
        check("kong.plugins.base_plugin is gone in 3.x: start is exit 1", result.code == 1
              and "kong.plugins.base_plugin" in result.err, result)
    else:
        check("kong.plugins.base_plugin is there in 2.8", result.code == 0
              and node.served("1.0.0"), result)


GROUPS = [readiness_after_rejection, readiness_during_reload, long_prefix, manager_listener,
          base_plugin]
