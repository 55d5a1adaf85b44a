# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""`kong config parse`: the check that loads plugins, and how it checks the wrong thing."""

import os

from .rejecting import GREETING


def parse(node, scratch=None, **changes):
    node.write_conf(**changes)
    arguments = ["config", "parse", node.yml, "-c", node.conf]
    if scratch:
        os.makedirs(scratch, exist_ok=True)
        arguments += ["-p", scratch]
    return node.run(*arguments)


def verdicts(check, node):
    node.write_yml(GREETING)
    reasons = {
        "1": "", "4": "", "5": "", "6": "",
        "3a": "'<eof>' expected near 'local'", "3b": "boom at require",
        "3c": "no configuration schema found for plugin: my-plugin",
        "3d": "schema violation (fields.1: {",
        "3e": "my-plugin plugin is enabled but not installed",
        "3f": "in 'greeting': unknown field", "3g": "module 'no.such.module' not found",
    }
    scratch = os.path.join(node.root, "scratch")
    for name, reason in reasons.items():
        result = parse(node, scratch, lua_package_path=node.generation(name))
        if reason:
            check(f"parse of gen{name}: exit 1 with the reason",
                  result.code == 1 and reason in result.err, result)
        else:
            check(f"parse of gen{name}: exit 0, 'parse successful'",
                  result.code == 0 and "parse successful" in result.out, result)
    check("the scratch prefix gets no .kong_env",
          not os.path.exists(os.path.join(scratch, ".kong_env")), os.listdir(scratch))
    if check.is_3x:
        check("3.x leaves directories there", {".ca_combined", "logs", "pids"}
              <= set(os.listdir(scratch)), os.listdir(scratch))
    result = parse(node, scratch, plugins="not-there")
    check("parse with a plugin that is nowhere: exit 1",
          result.code == 1
          and "Error: no configuration schema found for plugin: not-there\n" in result.err,
          result)


def configurations(check, node):
    node.generation("1")
    scratch = os.path.join(node.root, "scratch")
    for config, reason in (("greeting: [1]", "in 'greeting': expected a string"),
                           ("nosuch: 1", "in 'nosuch': unknown field")):
        node.write_yml("    - name: my-plugin\n      config:\n        " + config + "\n")
        result = parse(node, scratch)
        check(f"a plugin's config {config}: exit 1", result.code == 1 and reason in result.err,
              result)
    node.write_yml(plugin="    - name: my-plugin\n")
    result = parse(node, scratch, plugins="request-termination")
    check("a plugin that is not in plugins: exit 1", result.code == 1
          and "plugin 'my-plugin' not enabled; add it to the 'plugins'" in result.err, result)
    node.write_yml(text='_format_version: "3.0"\nservices: []\n')
    result = parse(node, scratch)
    check("_format_version 3.0: known from 3.0 on", result.code == (0 if check.is_3x else 1),
          result)
    node.write_yml(text="_format_version: 2.1\nservices: []\n")
    result = parse(node, scratch)
    check("_format_version without quotes: exit 1",
          result.code == 1 and "in '_format_version': expected a string" in result.err, result)
    node.write_yml(text="services: []\n")
    result = parse(node, scratch)
    check("no _format_version: exit 1",
          result.code == 1 and "in '_format_version': required field missing" in result.err, result)


def running_node(check, node):
    node.generation("1")
    node.write_conf()
    node.start()
    for name in ("3a", "3d"):
        result = parse(node, lua_package_path=node.generation(name))
        check(f"parse of gen{name} without a scratch prefix checks the running node: exit 0",
              result.code == 0 and "parse successful" in result.out, result)
    check("… and touches nothing", node.served("1.0.0") and "gen1" in node.env("lua_package_path"))


def handlers(check, node):
    scratch = os.path.join(node.root, "scratch")
    cases = {
        "base": (0, 1, "kong.plugins.base_plugin"),
        "noversion": (0, 1, 'its VERSION field does not follow the "x.y.z" format'),
        "nopriority": (0, 1, "its PRIORITY field is not a valid integer number"),
        "both": (1, 1, "implements both `response` and `header_filter` or `body_filter`"),
    }
    for name, (code_2, code_3, reason) in cases.items():
        result = parse(node, scratch, lua_package_path=node.generation(name))
        code = code_3 if check.is_3x else code_2
        check(f"parse of handler '{name}': exit {code}",
              result.code == code and (code == 0 or reason in result.err), result)


GROUPS = [verdicts, configurations, running_node, handlers]
