# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Good reloads: what they pick up, what sticks, and how late they show."""

import os
import re
import signal
import threading
import time

from .node import until


def watch_states(node, stop, seen):
    """Notes each new (workers known, path of the answering worker) of GET /, until told to stop."""
    while not stop.is_set():
        answer = node.node()
        if answer:
            workers = [pid for pid in answer["pids"].get("workers") or [] if pid]
            state = (tuple(sorted(workers)) if workers else None,
                     answer["configuration"]["lua_package_path"])
            if not seen or seen[-1] != state:
                seen.append(state)
        time.sleep(0.002)


def good_reload(check, node):
    node.generation("1")
    node.write_conf()
    node.start()
    master, old, before = node.master(), node.workers(), node.node()
    env_before = sorted(node.read(".kong_env").splitlines())
    nginx_before = node.read("nginx-kong.conf").splitlines()
    seen, stop = [], threading.Event()
    watcher = threading.Thread(target=watch_states, args=(node, stop, seen))
    watcher.start()
    path = node.generation("2")
    node.write_conf(lua_package_path=path)
    result = node.reload()
    version_at_exit = node.ask()[1]
    check("kong reload: exit 0, 'Kong reloaded'",
          result.code == 0 and "Kong reloaded" in result.out, result)
    check("… it returns before the new code serves", version_at_exit == "1.0.0", version_at_exit)
    check("the new code comes", node.served("2.0.0"), node.ask())
    check("every worker is new", node.replaced(old), node.workers())
    until(lambda: seen[-1] == (tuple(sorted(node.workers())), path))
    stop.set()
    watcher.join()
    check("the master is the same", node.master() == master)
    after = node.node()
    check("node_id is the same", after["node_id"] == before["node_id"])
    env_after = sorted(node.read(".kong_env").splitlines())
    changed = set(env_before) ^ set(env_after)
    check(".kong_env differs in lua_package_path alone",
          {line.split(" = ")[0] for line in changed} == {"lua_package_path"}, changed)
    changed = set(nginx_before) ^ set(node.read("nginx-kong.conf").splitlines())
    check("nginx-kong.conf differs in lua_package_path alone",
          len(changed) == 2 and all("lua_package_path" in line for line in changed), changed)
    states(check, seen, path)
    log = node.error_log()
    check("a good reload logs 'start worker process' by the master",
          re.search(rf"\] {master}#\d+: start worker process \d+", log))
    check("… and 'gracefully shutting down' by the old workers",
          all(re.search(rf"\] {pid}#\d+: gracefully shutting down", log) for pid in old))
    check("… and 'worker process N exited with code 0'",
          all(f"worker process {pid} exited with code 0" in log for pid in old))
    noise = [pid for pid in old if re.search(
        rf"\[crit\] {pid}#\d+: .*could not reschedule DNS resolver timer: process exiting", log)]
    check("2.8 logs a harmless [crit] by each old worker, 3.x does not",
          len(noise) == (0 if check.is_3x else 2), noise)


def states(check, seen, path):
    old = seen[0]
    empty = [state for state in seen if state[0] is None]
    check("meanwhile pids.workers is missing while the old answer",
          bool(empty) and all(state[1] == old[1] for state in empty), seen)
    check("… and at last both new", seen[-1][0] not in (None, old[0]) and seen[-1][1] == path, seen)


def mixed_state(check, node):
    """New pids in shared memory while an old worker answers: a tenth of a second, so try often."""
    node.generation("1")
    node.generation("2")
    node.write_conf()
    node.start()
    for attempt in range(10):
        seen, stop = [], threading.Event()
        old_path = node.node()["configuration"]["lua_package_path"]
        watcher = threading.Thread(target=watch_states, args=(node, stop, seen))
        watcher.start()
        old = node.workers()
        node.use("2" if attempt % 2 == 0 else "1")
        node.reload()
        node.replaced(old)
        stop.set()
        watcher.join()
        if any(state[0] and not set(state[0]) & old and state[1] == old_path for state in seen):
            break
    else:
        check("in between: the new pids with the old lua_package_path", False, seen)
        return
    check("in between: the new pids with the old lua_package_path", True)


def stickiness(check, node):
    node.generation("1")
    node.write_conf()
    node.start()
    old = node.workers()
    path2 = node.generation("2")
    node.write_conf(lua_package_path=path2)
    check("reload -p alone: exit 0", node.reload("-p", node.prefix).code == 0)
    node.replaced(old)
    check("… and ignores kong.conf", node.served("1.0.0"), node.ask())
    check("reload -c brings it in", node.reload().code == 0 and node.served("2.0.0"), node.ask())
    old = node.workers()
    node.write_conf(lua_package_path=None, plugins=None)
    check("keys removed from kong.conf: reload -c is exit 0", node.reload().code == 0)
    node.replaced(old)
    check("… and they keep their old values", node.served("2.0.0")
          and node.env("lua_package_path") == path2, node.env("lua_package_path"))
    node.write_conf(nginx_worker_processes="3")
    old = node.workers()
    node.reload()
    node.replaced(old)
    check("nginx_worker_processes = 3 has no effect on a reload", len(node.workers()) == 2)
    node.write_conf(lua_package_path=None, plugins=None, declarative_config=None)
    result = node.run("prepare", "-c", node.conf)
    check("prepare forgets them", result.code == 0 and node.env("plugins") == "bundled"
          and node.env("lua_package_path") == "./?.lua;./?/init.lua;",
          (node.env("plugins"), node.env("lua_package_path")))


def restarting(check, node):
    node.generation("1")
    node.write_conf()
    node.start()
    first = node.node()["node_id"]
    node.use("2", nginx_worker_processes="1")
    result = node.run("restart", "-c", node.conf)
    check("restart -c: exit 0, 'Kong started'", result.code == 0 and "Kong started" in result.out,
          result)
    check("… and reads kong.conf from scratch", node.served("2.0.0") and len(node.workers()) == 1)
    check("… with a new node_id", node.node()["node_id"] != first)
    node.write_conf(lua_package_path=None, plugins=None, declarative_config=None)
    result = node.run("restart", "-c", node.conf, timeout=90)
    check("… so that removed keys are gone", result.code == 0 and node.env("plugins") == "bundled",
          result)


def in_place(check, node):
    node.generation("1")
    node.write_conf()
    node.start()
    node.generation("2", directory="gen1")
    check("files overwritten in place: the old code serves on", node.served("1.0.0"))
    old = node.workers()
    for pid in old:
        os.kill(pid, signal.SIGKILL)
    check("… also from respawned workers", node.replaced(old) and node.served("1.0.0"))
    node.reload()
    check("… until a reload", node.served("2.0.0"), node.ask())


def symlink(check, node):
    node.generation("1")
    node.generation("2")
    current = os.path.join(node.root, "current")
    os.symlink("gen1", current)
    node.write_conf(lua_package_path=current + "/?.lua;;")
    node.start()
    os.symlink("gen2", current + ".new")
    os.rename(current + ".new", current)
    node.reload("-p", node.prefix)
    check("a switched symlink and reload -p: the new code", node.served("2.0.0"), node.ask())


def back_to_back(check, node):
    node.generation("1")
    node.write_conf()
    node.start()
    old = node.workers()
    node.use("2")
    first = node.reload()
    node.use("1")
    second = node.reload()
    check("two reloads back to back: both exit 0", (first.code, second.code) == (0, 0))
    def settled():
        return (not node.workers() & old and len(node.workers()) == 2 and not node.draining()
                and (node.node().get("configuration") or {}).get("lua_package_path", "")
                .endswith("gen1/?.lua;;"))
    check("… and the last one wins", until(settled) and node.served("1.0.0"), node.ask())


GROUPS = [good_reload, mixed_state, stickiness, restarting, in_place, symlink, back_to_back]
