# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""Plugins and the declarative configuration that uses them, together and in the wrong order."""

from .node import until

OTHER = '_format_version: "2.1"\nservices:\n- name: other\n  url: http://127.0.0.1:%d\n' \
    "  routes:\n  - name: b\n    paths:\n    - /b\n"


def in_use(check, node):
    node.generation("1")
    node.write_conf()
    node.start()
    old, offset = node.workers(), node.error_log_size()
    node.write_conf(plugins="request-termination")
    result = node.reload()
    check("7a: a plugin taken from plugins while kong.yml uses it: reload is exit 0",
          result.code == 0 and node.run("health", "-p", node.prefix).code == 0, result)
    check("… the log says why", until(lambda: "plugin 'my-plugin' not enabled; add it to the "
                                      "'plugins' configuration property" in node.error_log(offset)))
    check("… the old workers stay", node.workers() == old and node.served("1.0.0"))
    node.write_yml(plugin=None)
    node.reload()
    check("7b: both taken away in one reload works", node.replaced(old)
          and node.ask() == (200, None), node.ask())
    old = node.workers()
    node.write_yml()
    node.write_conf()
    node.reload()
    check("7c: both added in one reload works", node.replaced(old) and node.served("1.0.0"))
    node.write_conf(plugins="request-termination")
    result = node.run("restart", "-c", node.conf)
    check("7a at a restart: exit 1", result.code == 1 and "not enabled" in result.err, result)


def file_is_read_again(check, node):
    node.generation("1")
    node.write_conf()
    node.start()
    node.write_yml(text=OTHER % node.upstream_port)
    check("kong.yml changed: no effect before a reload", node.ask("/b")[0] == 404)
    old = node.workers()
    node.reload()
    check("… a reload reads it again", node.replaced(old) and node.ask("/b")[0] == 200)
    reply = node.post_config(OTHER.replace("/b", "/c") % node.upstream_port)
    check("POST /config: 201, and all workers follow", reply.status == 201 and until(
        lambda: all(node.ask("/c")[0] == 200 for _ in range(10))), reply)
    old = node.workers()
    node.reload()
    check("… what was posted is lost at a reload when declarative_config is set",
          node.replaced(old) and node.ask("/c")[0] == 404 and node.ask("/b")[0] == 200)
    node.write_yml(text="services: [\n")
    old, offset = node.workers(), node.error_log_size()
    check("a kong.yml that is no YAML: reload is exit 0", node.reload().code == 0)
    check("… rejected, the log says so", until(
        lambda: "error parsing declarative config file" in node.error_log(offset))
          and node.workers() == old)


def posted_only(check, node):
    node.settings["declarative_config"] = None
    node.generation("1")
    node.write_conf()
    node.start()
    node.post_config(open(node.yml, encoding="utf-8").read())
    until(lambda: node.ask() == (200, "1.0.0"))
    old = node.workers()
    node.reload()
    check("posted, and no declarative_config: survives a reload",
          node.replaced(old) and node.served("1.0.0"), node.ask())
    old, offset = node.workers(), node.error_log_size()
    node.write_conf(plugins="request-termination")
    result = node.reload()
    check("… its plugin taken from plugins: the reload succeeds, with new workers",
          result.code == 0 and node.replaced(old), result)
    failed = "initialize declarative config" if check.is_3x else "load declarative config file"
    check("… that are degraded", until(lambda: f"worker initialization error: failed to {failed}: "
                                       in node.error_log(offset)
                                       and "my-plugin plugin is in use but not enabled"
                                       in node.error_log(offset)), node.error_log(offset)[-1500:])
    node.write_conf()
    node.run("restart", "-c", node.conf)
    status = until(lambda: node.ask()[0])
    wanted = 200 if check.is_3x else 404
    check("… over a restart it is kept from 3.x on, and lost before", status == wanted, status)


def declarative_dropped(check, node):
    node.settings["declarative_config"] = None
    node.generation("1")
    node.write_conf()
    node.start(environment={"KONG_DECLARATIVE_CONFIG": node.yml})
    check("declarative_config from the environment", node.served("1.0.0"))
    node.reload("-p", node.prefix)
    check("… is dropped by a reload -p that does not have it",
          node.env("declarative_config") is None, node.env("declarative_config"))


GROUPS = [in_use, file_is_read_again, posted_only, declarative_dropped]
