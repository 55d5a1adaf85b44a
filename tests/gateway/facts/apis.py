# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""The Admin and Status APIs."""

import json

from .node import until

ZEROS = "0" * 32


def decoded(reply):
    return json.loads(reply.body)


def node_information(check, node):
    node.generation("1")
    node.write_conf()
    node.start()
    answer = node.node()
    wanted = {"version", "hostname", "node_id", "tagline", "lua_version", "timers", "pids",
              "plugins", "configuration"}
    check("GET / has its fields", wanted <= set(answer), wanted - set(answer))
    check("… the version is the command's", answer["version"] == check.version, answer["version"])
    check("… pids are the processes'", answer["pids"]["master"] == node.master()
          and set(answer["pids"]["workers"]) == node.workers(), answer["pids"])
    value = {"version": "1.0.0", "priority": 1000} if check.is_3x else True
    check("… available_on_server: true in 2.8, version and priority in 3.x",
          answer["plugins"]["available_on_server"]["my-plugin"] == value,
          answer["plugins"]["available_on_server"])
    check("… enabled_in_cluster: the plugins in use",
          answer["plugins"]["enabled_in_cluster"] == ["my-plugin"])
    conf = answer["configuration"]
    check("… configuration: path, plugins, loaded_plugins, prefix, database",
          conf["lua_package_path"].endswith("gen1/?.lua;;")
          and conf["plugins"] == ["request-termination", "my-plugin"]
          and set(conf["loaded_plugins"]) == {"request-termination", "my-plugin"}
          and conf["prefix"] == node.prefix and conf["database"] == "off")
    reply = decoded(node.get(node.admin, "/plugins/enabled"))
    check("GET /plugins/enabled", set(reply["enabled_plugins"]) == set(conf["loaded_plugins"]))
    reply = node.get(node.admin, "/schemas/plugins/my-plugin")
    check("GET /schemas/plugins/N", reply.status == 200 and "greeting" in reply.body, reply)
    reply = node.get(node.admin, "/schemas/plugins/nope")
    check("… of an unknown one: 404, \"No plugin named 'nope'\"", reply.status == 404
          and decoded(reply)["message"] == "No plugin named 'nope'", reply)
    reply = node.get(node.admin, "/nosuch")
    check("an unknown path: 404", reply.status == 404
          and decoded(reply)["message"] == "Not found", reply)
    for kind in ("services", "routes", "plugins"):
        reply = decoded(node.get(node.admin, "/" + kind))
        check(f"GET /{kind} lists them", len(reply["data"]) == 1, reply)
    reply = node.get(node.admin, "/config")
    check("GET /config", reply.status == 200 and "my-plugin" in decoded(reply)["config"], reply)
    reply = node.get(node.proxy, "/nowhere")
    check("no route: 404, 'no Route matched with those values'", reply.status == 404
          and decoded(reply)["message"] == "no Route matched with those values", reply)


def status(check, node):
    node.generation("1")
    node.write_conf()
    node.start()
    for where, port in (("admin", node.admin), ("status", node.status)):
        reply = node.get(port, "/status")
        answer = decoded(reply)
        check(f"{where}: /status is 200 with memory and server", reply.status == 200
              and {"memory", "server"} <= set(answer), answer)
        check(f"{where}: database is reachable in 2.8, absent in 3.x without one",
              answer.get("database") == (None if check.is_3x else {"reachable": True}), answer)
        hashed = answer["configuration_hash"]
        check(f"{where}: configuration_hash of a file: zeros in 2.8, its own in 3.x",
              (hashed != ZEROS) == check.is_3x and len(hashed) == 32, hashed)
    pids = {vm["pid"] for vm in decoded(node.get(node.status, "/status"))["memory"]
            ["workers_lua_vms"]}
    check("memory lists the workers", pids == node.workers(), pids)
    before = decoded(node.get(node.status, "/status"))["configuration_hash"]
    reply = node.post_config(open(node.yml, encoding="utf-8").read() + "# posted\n")
    after = decoded(node.get(node.status, "/status"))["configuration_hash"]
    check("after POST /config it is another", reply.status == 201 and after not in (before, ZEROS),
          after)
    old = node.workers()
    node.reload()
    node.replaced(old)
    again = decoded(node.get(node.status, "/status"))["configuration_hash"]
    check("after a reload it is the file's again", again == before, again)
    check("the Admin API has no /status/ready",
          node.get(node.admin, "/status/ready").status == 404)
    ready = node.ready()
    check("/status/ready: 404 in 2.8, 200 'ready' in 3.4",
          (ready.status == 200 and decoded(ready) == {"message": "ready"}) if check.is_3x
          else ready.status == 404, ready)


def bad_posts(check, node):
    node.generation("1")
    node.write_conf()
    node.start()
    reply = node.post_config('_format_version: "2.1"\nplugins:\n- name: nope\n')
    check("POST /config with a plugin that is not enabled: 400 and why", reply.status == 400
          and "plugin 'nope' not enabled" in reply.body, reply)
    reply = node.post_config('_format_version: "2.1"\nplugins:\n- name: my-plugin\n'
                             "  config:\n    nosuch: 1\n")
    check("POST /config with an unknown field: 400", reply.status == 400
          and "unknown field" in reply.body, reply)
    reply = node.get(node.admin, "/config", "POST", "")
    check("POST /config with nothing: 400", reply.status == 400, reply)
    check("… and the node serves on", node.served("1.0.0"))


def listeners_off(check, node):
    node.generation("1")
    node.write_conf(admin_listen="off", status_listen="off")
    node.start()
    check("admin_listen = off: no Admin API, and it proxies", node.node() == {}
          and node.ask() == (200, "1.0.0"))
    check("status_listen = off: no Status API", node.ready().status == 0)
    check("status_listen is off when nobody sets it",
          "status_listen = off" in default_env(node).splitlines())
    old, path2 = node.workers(), node.generation("2")
    node.write_conf(admin_listen="off", status_listen="off", lua_package_path=path2)
    node.reload()
    check("… a reload works all the same", node.replaced(old) and node.served("2.0.0"))


def default_env(node):
    node.write_conf(path=node.root + "/plain.conf", status_listen=None, declarative_config=None,
                    prefix=node.root + "/plain")
    node.run("prepare", "-c", node.root + "/plain.conf")
    return open(node.root + "/plain/.kong_env", encoding="utf-8").read()


def readiness(check, node):
    if not check.is_3x:
        node.generation("1")
        node.write_conf()
        node.start()
        check("2.8 has no /status/ready", node.ready().status == 404)
        return
    node.settings["declarative_config"] = None
    node.generation("1")
    node.write_conf()
    node.start()
    reply = until(lambda: "empty configuration" in node.ready().body and node.ready())
    check("an empty node is never ready: 503", reply and reply.status == 503, node.ready())
    node.post_config(open(node.yml, encoding="utf-8").read())
    check("… with a configuration it is", until(lambda: node.ready().status == 200))


GROUPS = [node_information, status, bad_posts, listeners_off, readiness]
