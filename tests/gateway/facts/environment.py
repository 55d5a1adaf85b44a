# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""KONG_* of whoever runs the command, and the default places of kong.conf."""

import os
import shutil
import subprocess

from .node import until


def precedence(check, node):
    node.generation("1")
    node.write_conf()
    node.start()
    path2 = node.generation("2")
    old = node.workers()
    node.reload(environment={"KONG_LUA_PACKAGE_PATH": path2})
    node.replaced(old)
    check("KONG_LUA_PACKAGE_PATH of the caller beats kong.conf", node.served("2.0.0"), node.ask())
    check("… and is written to .kong_env", node.env("lua_package_path") == path2)
    old = node.workers()
    node.reload("-p", node.prefix)
    node.replaced(old)
    check("… so a later reload -p without it keeps it", node.served("2.0.0"), node.ask())
    old = node.workers()
    node.reload()
    node.replaced(old)
    check("… and a later reload -c without it goes back", node.served("1.0.0"), node.ask())
    old = node.workers()
    node.reload("-p", node.prefix, environment={"KONG_LUA_PACKAGE_PATH": path2})
    node.replaced(old)
    check("it is heeded by reload -p too", node.served("2.0.0"), node.ask())
    other = os.path.join(node.root, "other")
    result = node.run("prepare", "-c", node.conf, "-p", other, environment={
        "KONG_PREFIX": os.path.join(node.root, "third")})
    check("-p beats KONG_PREFIX beats kong.conf", result.code == 0
          and os.path.exists(os.path.join(other, ".kong_env")), result)


def masters_environment(check, node):
    path2 = node.generation("2")
    node.generation("1")
    node.write_conf()
    node.start(environment={"KONG_LUA_PACKAGE_PATH": path2, "KONG_PLUGINS": "my-plugin"})
    check("started with the variable: it counts", node.served("2.0.0"), node.ask())
    with open(f"/proc/{node.master()}/environ", "rb") as file:
        environ = file.read()
    check("/proc/MASTER/environ does not show it", b"KONG_LUA_PACKAGE_PATH" not in environ)
    old = node.workers()
    node.reload()
    node.replaced(old)
    check("the master's own environment is irrelevant to a reload", node.served("1.0.0"),
          node.ask())
    check("… so plugins changed as well", node.env("plugins") == "request-termination,my-plugin")


def values(check, node):
    node.generation("1")
    node.write_conf()
    node.run("prepare", "-c", node.conf, environment={"KONG_LUA_PACKAGE_PATH": ""})
    check("an empty variable overrides with nothing", node.env("lua_package_path") is None
          and "lua_package_path       ';" in node.read("nginx-kong.conf"))
    node.run("prepare", "-c", node.conf, environment={"KONG_LUA_PACKAGE_PATH": "/a#b/?.lua"})
    wanted = "/a\\#b/?.lua" if check.is_3x else "/a#b/?.lua"
    check("# in a variable is kept", node.env("lua_package_path") == wanted,
          node.env("lua_package_path"))
    node.run("prepare", "-c", node.conf, environment={"kong_plugins": "nope"})
    check("a variable in lower case does not count",
          node.env("plugins") == "request-termination,my-plugin")
    other = node.generation("1", directory="bystander").split("?")[0]
    node.run("prepare", "-c", node.conf, environment={"LUA_PATH": other + "?.lua;;"})
    check("LUA_PATH of the caller is baked into nginx-kong.conf",
          other + "?.lua" in node.read("nginx-kong.conf"))


def hash_sign(check, node):
    path = node.generation("2", directory="g#2")
    node.write_conf(lua_package_path=path.replace("#", "\\#"))
    node.start()
    check("an escaped # in a path works", node.served("2.0.0"), node.ask())
    node.reload("-p", node.prefix)
    if check.is_3x:
        check("3.x: a reload -p keeps it", "g\\#2" in (node.env("lua_package_path") or ""))
    else:
        check("2.8: a reload -p loses everything from the character before the # on",
              node.env("lua_package_path") == node.root + "/", node.env("lua_package_path"))


def default_places(check, node):
    """In a mount namespace whose /etc/kong is ours: plain `kong reload` of such a node."""
    overlay = os.path.join(node.root, "etc")
    for name in ("upper", "work"):
        os.makedirs(os.path.join(overlay, name))
    subprocess.run(["mount", "-t", "tmpfs", "none", overlay], check=True)
    try:
        default_place(check, node, overlay)
    finally:
        node.end_masters()
        subprocess.run(["umount", "-l", overlay], check=True)


def default_place(check, node, overlay):
    for name in ("upper/kong", "work"):
        os.makedirs(os.path.join(overlay, name))
    conf = os.path.join(overlay, "upper", "kong", "kong.conf")
    mount = (f"mount -t overlay overlay -o lowerdir=/etc,upperdir={overlay}/upper,"
             f"workdir={overlay}/work /etc && exec \"$@\"")
    plain = node.kong
    inside = [shutil.which("unshare"), "-m", "sh", "-c", mount, "sh", *plain.command]
    node.kong = type(plain)(inside, plain.version)
    node.kong.environment = plain.environment
    try:
        node.generation("1")
        node.write_conf(path=conf)
        node.run("start")
        check("a kong.conf in /etc/kong is found", node.ask() == (200, "1.0.0"), node.ask())
        node.kong.command = ["nsenter", "-t", str(node.master()), "-m", *plain.command]
        node.write_conf(path="/proc/%d/root/etc/kong/kong.conf" % node.master(),
                        lua_package_path=node.generation("2"))
        old = node.workers()
        result = node.reload("--v")
        node.replaced(old)
        check("plain kong reload: exit 0, and it ignores even that kong.conf",
              result.code == 0 and node.served("1.0.0"), (result, node.ask()))
        node.reload("-c", "/etc/kong/kong.conf")
        check("reload -c /etc/kong/kong.conf brings it in", node.served("2.0.0"), node.ask())
        node.run("stop")
        check("plain kong stop finds the prefix there", until(lambda: node.master() is None))
    finally:
        node.kong = plain


GROUPS = [precedence, masters_environment, values, hash_sign, default_places]
