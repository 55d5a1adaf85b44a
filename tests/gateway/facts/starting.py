# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Starting, stopping, what a prefix holds, and what each command says when it cannot."""

import os
import stat

from .node import until


def start_and_prefix(check, node):
    node.generation("1")
    node.write_conf()
    result = node.run("start", "-c", node.conf)
    check("kong start: exit 0", result.code == 0, result)
    check("kong start: says 'Kong started'", "Kong started" in result.out, result)
    check("it is serving when start returns", node.ask() == (200, "1.0.0"), node.ask())
    files = set(os.listdir(node.prefix))
    wanted = {".kong_env", "nginx.conf", "nginx-kong.conf", "nginx-kong-stream.conf", "logs",
              "pids", "client_body_temp", "fastcgi_temp", "proxy_temp", "scgi_temp", "uwsgi_temp"}
    check("the prefix holds Kong's files", wanted <= files, wanted - files)
    check("no ssl/ without an ssl listener", "ssl" not in files, files)
    if check.is_3x:
        check("3.x: dbless.lmdb and worker_events.sock are there",
              {"dbless.lmdb", "worker_events.sock", "nginx-inject.conf"} <= files, files)
    mode = stat.S_IMODE(os.stat(os.path.join(node.prefix, ".kong_env")).st_mode)
    check(".kong_env is 0640", mode == 0o640, oct(mode))
    mode = stat.S_IMODE(os.stat(os.path.join(node.prefix, "proxy_temp")).st_mode)
    check("the temp directories are 0700", mode == 0o700, oct(mode))
    check(".kong_env says DO NOT EDIT", "DO NOT EDIT" in node.read(".kong_env"))
    check(".kong_env has every effective property, defaults too",
          node.env("pg_port") == "5432" and node.env("plugins") == "request-termination,my-plugin")
    check(".kong_env leaves computed tables out", node.env("loaded_plugins") is None)
    value = os.path.join(node.root, "gen1") + "/?.lua;;"
    check("nginx-kong.conf: lua_package_path is the value, LUA_PATH and ;;",
          f"lua_package_path       '{value};" in node.read("nginx-kong.conf")
          and any(";;';" in line for line in node.read("nginx-kong.conf").splitlines()
                  if "lua_package_path" in line))
    again = node.run("start", "-c", node.conf)
    check("a second start: exit 1, 'Kong is already running in'",
          again.code == 1 and "Kong is already running in " + node.prefix in again.err, again)
    health = node.run("health", "-p", node.prefix)
    check("kong health: exit 0, 'Kong is healthy at'",
          health.code == 0 and "Kong is healthy at " + node.prefix in health.out, health)
    check("kong health: 'nginx.......running'", "nginx.......running" in health.out, health)


def second_start_writes(check, node):
    node.generation("1")
    node.write_conf()
    node.start()
    node.use("2")
    node.run("start", "-c", node.conf)
    path = node.env("lua_package_path") or ""
    if check.is_3x:
        check("3.x: a mistaken start leaves a live node's files alone", "gen1" in path, path)
    else:
        check("2.8: a mistaken start rewrites a live node's files", "gen2" in path, path)
    check("… and the node serves on", node.ask() == (200, "1.0.0"), node.ask())


def stopping(check, node):
    node.generation("1")
    node.write_conf()
    node.start()
    result = node.run("stop", "-p", node.prefix)
    check("kong stop: exit 0, 'Kong stopped'", result.code == 0 and "Kong stopped" in result.out,
          result)
    check("nginx.pid goes after a stop", until(lambda: node.master() is None))
    result = node.run("stop", "-p", node.prefix)
    check("kong stop of a stopped node: exit 1, 'nginx not running in prefix'",
          result.code == 1 and "nginx not running in prefix: " + node.prefix in result.err, result)
    result = node.run("health", "-p", node.prefix)
    check("kong health of a stopped node: exit 1, 'Kong is not running at'",
          result.code == 1 and "Kong is not running at " + node.prefix in result.err, result)
    result = node.reload()
    check("kong reload of a stopped node: exit 1, 'nginx not running in prefix'",
          result.code == 1 and "nginx not running in prefix: " + node.prefix in result.err, result)
    node.start()
    result = node.run("quit", "-p", node.prefix)
    check("kong quit waits: 'Kong stopped (gracefully)', and it is gone",
          result.code == 0 and "Kong stopped (gracefully)" in result.out
          and node.ask() == (None, None), result)


def complaints(check, node):
    nowhere = os.path.join(node.root, "nowhere")
    for command in ("stop", "health", "quit", "reload"):
        # 3.4 makes the prefix before it looks for it, where it loads the conf first.
        text = (f"no file at: {nowhere}/.kong_env" if check.is_3x and command == "reload"
                else "no such prefix: " + nowhere)
        result = node.run(command, "-p", nowhere)
        check(f"kong {command} of no prefix: exit 1, '{text[:12]}…'",
              result.code == 1 and text in result.err, result)
        result = node.run(command, environment={"KONG_PREFIX": nowhere})
        check(f"kong {command} takes the prefix from KONG_PREFIX",
              result.code == 1 and text in result.err, result)
    node.write_conf()
    missing = os.path.join(node.root, "missing.conf")
    for command in ("reload", "start", "prepare"):
        result = node.run(command, "-c", missing)
        check(f"{command} of a conf that is not there: exit 1, 'no file at'",
              result.code == 1 and "no file at: " + missing in result.err, result)
    node.write_conf(log_level="noisy")
    result = node.run("check", node.conf)
    check("kong check: log_level = noisy is exit 1 and named on stderr",
          result.code == 1 and "log_level has an invalid value: 'noisy' (debug, info, notice"
          in result.err, result)
    node.write_conf()
    result = node.run("check", node.conf)
    check("kong check: exit 0, 'configuration at … is valid'",
          result.code == 0 and f"configuration at {node.conf} is valid" in result.out, result)
    result = node.run("version")
    check("kong version prints its version", result.out.strip() == check.version, result)
    result = node.run("frobnicate")
    check("an unknown command: exit 1, 'No such command'",
          result.code == 1 and "No such command: frobnicate" in result.out + result.err, result)
    result = node.run("prepare", "-c", node.conf)
    check("an error ends with the hint at --v",
          "Run with --v (verbose) or --vv (debug) for more details"
          in node.run("reload", "-c", missing).err)
    check("prepare makes a prefix: exit 0", result.code == 0
          and os.path.exists(os.path.join(node.prefix, "nginx-kong.conf")), result)
    orders = set()
    for _ in range(4):
        node.run("prepare", "-c", node.conf)
        orders.add(node.read(".kong_env"))
    check(".kong_env is written in random order", len(orders) > 1)


def broken_start(check, node):
    node.use("3a")
    result = node.run("start", "-c", node.conf)
    check("start with a broken plugin: exit 1 and the reason on stderr",
          result.code == 1 and "init_by_lua error" in result.err
          and "my-plugin/handler.lua" in result.err, result)
    check("… and nothing runs", node.ask() == (None, None), node.ask())
    node.use("1", database="postgres")
    result = node.run("start", "-c", node.conf, environment={"KONG_PG_PORT": "9"})
    check("start without its database: exit 1", result.code == 1, result)
    result = node.run("prepare", "-c", node.conf, environment={"KONG_PG_PORT": "9"})
    check("prepare needs no database: exit 0", result.code == 0, result)


GROUPS = [start_and_prefix, second_start_writes, stopping, complaints, broken_start]
