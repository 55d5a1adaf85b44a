# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""kong.conf as Kong's own loader reads it, seen through the .kong_env that prepare writes."""

import os

PATH = "lua_package_path"
# What a line says, the key, what 2.8 takes it for, what 3.x does if that differs.
LINES = [
    ("lua_package_path=/v/?.lua", PATH, "/v/?.lua"),
    ("  \tlua_package_path\t=\t/v/?.lua   \t", PATH, "/v/?.lua"),
    ("lua_package_path = /a/?.lua;;   # c", PATH, "/a/?.lua;;"),
    ("lua_package_path = /a/?.lua;;#c", PATH, "/a/?.lua;", "/a/?.lua;;"),
    ("lua_package_path = /a\\#b/?.lua;;", PATH, "/a#b/?.lua;;", "/a\\#b/?.lua;;"),
    ("lua_package_path = /a#b/?.lua;;", PATH, "/", "/a"),
    ("lua_package_path = # nothing", PATH, "# nothing", None),
    ("plugins = bundled,foo#c", "plugins", "bundled,fo", "bundled,foo"),
    ("lua_package_path = /v/?.lua\n  # lua_package_path = /w", PATH, "/v/?.lua"),
    ("lua_package_path = /v/?.lua\n  ; lua_package_path = /w", PATH, "/v/?.lua"),
    ('plugins = "bundled,my-plugin"', "plugins", '"bundled,my-plugin"'),
    ("lua_package_path = /one\nlua_package_path = /two", PATH, "/two"),
    ("lua_package_path = /one\nlua_package_path =", PATH, None),
    ("lua_package_path = /v/?.lua\r\nplugins = a\r", PATH, "/v/?.lua"),
    ("lua_package_path =", PATH, None),
    ("plugins =", "plugins", None),
    ("", PATH, "./?.lua;./?/init.lua;"),
    ("", "plugins", "bundled"),
    ("lua_package_path = /a/?.lua;\\\n/b/?.lua;;", PATH, "/a/?.lua;/b/?.lua;;"),
    ("plugins = a,\\\nb", "plugins", "a,b"),
    ("lua_package_path = /a \\\n# comment\n/b", PATH, "/a /b"),
    ("lua_package_path /v/?.lua", PATH, "./?.lua;./?/init.lua;"),
    ("lua_package_path: /v/?.lua", PATH, "./?.lua;./?/init.lua;"),
    ("lua_package_path = /v/?.lua;x=y", PATH, "/v/?.lua;x=y"),
    ("lua-package-path = /v/?.lua", PATH, "/v/?.lua"),
    ("lua.package.path = /v/?.lua", PATH, "/v/?.lua"),
    ("LUA_PACKAGE_PATH = /v", PATH, "./?.lua;./?/init.lua;"),
    ("KONG_LUA_PACKAGE_PATH = /v", PATH, "./?.lua;./?/init.lua;"),
    ("no_such_key = 1", "no_such_key", None),
    ("[section]\nlua_package_path = /v", PATH, "./?.lua;./?/init.lua;"),
    ("plugins =  bundled ,  my-plugin ,other", "plugins", "bundled,my-plugin,other"),
    ("plugins = a,b,", "plugins", "a,b,"),
    ("plugins = a,,b", "plugins", "a,,b"),
    ("plugins = bundled my-plugin", "plugins", "bundled my-plugin"),
    ("lua_package_path = ${HOME}/?.lua", PATH, "${HOME}/?.lua"),
    ("lua_package_path = /é/?.lua", PATH, "/é/?.lua"),
    ("lua_package_path = nil", PATH, "nil"),
    ("export plugins = a", "plugins", "bundled"),
    ("pg_timeout = 007", "pg_timeout", "7"),
    ("anonymous_reports = maybe", "anonymous_reports", "false"),
]


def each_line(check, node):
    for number, (line, key, *values) in enumerate(LINES):
        wanted = values[-1] if check.is_3x else values[0]
        found = value_of(node, number, line.encode(), key)
        check(f"{line!r} gives {key} = {wanted!r}", found == wanted, found)
    found = value_of(node, "bom", b"\xef\xbb\xbfplugins = a\n", "plugins", first=True)
    check("a UTF-8 BOM loses the first line's key", found == "bundled", found)
    found = value_of(node, "eof", b"plugins = a", "plugins")
    check("no newline at the end is fine", found == "a", found)
    many = ";".join(f"/{i}/?" for i in range(400))
    found = value_of(node, "many", f"lua_package_path = {many}".encode(), PATH)
    check("a path of 400 entries is read whole", found == many, str(found)[:80])


def value_of(node, name, text, key, first=False):
    """What `key` is to Kong in a conf with `text` at its end, or at its beginning."""
    prefix = os.path.join(node.root, f"prefix-{name}")
    conf = os.path.join(node.root, "line.conf")
    base = (f"prefix = {prefix}\ndatabase = off\nproxy_listen = 127.0.0.1:{node.proxy}\n"
            f"admin_listen = off\nadmin_gui_listen = off\n").encode()
    with open(conf, "wb") as file:
        file.write(text + b"\n" + base if first else base + text)
    node.run("prepare", "-c", conf)
    value = None
    with open(os.path.join(prefix, ".kong_env"), encoding="utf-8") as file:
        for line in file:
            left, _, right = line.rstrip("\n").partition(" = ")
            if left == key:
                value = right
    return value


def token_limit(check, node):
    node.generation("1")
    node.write_conf(lua_package_path=";".join(f"/d{i}/?.lua" for i in range(400)))
    result = node.run("prepare", "-c", node.conf)
    check("a path of 4,096 bytes or more: nginx refuses it, exit 1",
          result.code == 1 and "too long parameter" in result.err, result)


def last_line_continued(check, node):
    found = value_of(node, "last", b"plugins = a\\", "plugins")
    check("a \\ at the end of the last line loses the line", found == "bundled", found)


GROUPS = [each_line, token_limit, last_line_continued]
