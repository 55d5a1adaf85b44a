# SPDX-FileCopyrightText: The kongfleet authors
# SPDX-License-Identifier: Apache-2.0
"""The generations of `my-plugin`: healthy ones, and one for every way to break one."""

import os

SCHEMA = """
return {
  name = "my-plugin",
  fields = {
    { config = {
      type = "record",
      fields = { { greeting = { type = "string", default = "hello" } } },
    } },
  },
}
"""

HANDLER = """
local MyPlugin = { PRIORITY = 1000, VERSION = "%(version)s" }
%(before)s
function MyPlugin:access(conf)
  kong.response.set_header("X-MyPlugin", MyPlugin.VERSION)
  kong.response.set_header("X-Worker", ngx.worker.pid())
  %(access)s
end
return MyPlugin
"""


def handler(version, access="", before=""):
    return HANDLER % {"version": version, "access": access, "before": before}


def files_of(name):
    """The files of generation `name`, by their path below kong/plugins/my-plugin."""
    broken = {
        "3a": {"handler.lua": handler("3.0.0") + "local local x\n", "schema.lua": SCHEMA},
        "3b": {"handler.lua": 'error("boom at require")\n', "schema.lua": SCHEMA},
        "3c": {"handler.lua": handler("3.0.0")},
        "3d": {"handler.lua": handler("3.0.0"),
               "schema.lua": SCHEMA.replace('"record"', '"recrod"')},
        "3e": {"schema.lua": SCHEMA},
        "3f": {"handler.lua": handler("3.0.0"),
               "schema.lua": SCHEMA.replace(
                   'greeting = { type = "string", default = "hello" }',
                   'other = { type = "string", required = true }')},
        "3g": {"handler.lua": handler("3.0.0", before='local x = require "no.such.module"'),
               "schema.lua": SCHEMA},
        "4": {"handler.lua": handler("4.0.0", access="local t; return t.field"),
              "schema.lua": SCHEMA},
        "5": {"handler.lua": handler("5.0.0", before=(
            'function MyPlugin:init_worker() error("boom in init_worker") end')),
              "schema.lua": SCHEMA},
        "6": {"handler.lua": handler("6.0.0"), "schema.lua": SCHEMA, "api.lua": "local local\n"},
        "7": {"handler.lua": handler("7.0.0", access=(
            'kong.response.set_header("X-Lazy", require "kong.plugins.my-plugin.lazy")')),
              "schema.lua": SCHEMA, "lazy.lua": 'return "loaded"\n'},
        "base": {"handler.lua": (
            'local Base = require "kong.plugins.base_plugin"\n'
            "local MyPlugin = Base:extend()\n"
            'MyPlugin.PRIORITY, MyPlugin.VERSION = 1000, "1.0.0"\n'
            'function MyPlugin:new() MyPlugin.super.new(self, "my-plugin") end\n'
            "function MyPlugin:access(conf)\n"
            "  MyPlugin.super.access(self)\n"
            '  kong.response.set_header("X-MyPlugin", MyPlugin.VERSION)\n'
            "end\n"
            "return MyPlugin\n"), "schema.lua": SCHEMA},
        "noversion": {"handler.lua": handler("1.0.0").replace('VERSION = "1.0.0"', "X = 1"),
                      "schema.lua": SCHEMA},
        "nopriority": {"handler.lua": handler("1.0.0").replace("PRIORITY = 1000", "Y = 1"),
                       "schema.lua": SCHEMA},
        "both": {"handler.lua": handler("1.0.0", before=(
            "function MyPlugin:response() end\nfunction MyPlugin:body_filter() end")),
                 "schema.lua": SCHEMA},
    }
    if name in broken:
        return broken[name]
    return {"handler.lua": handler(name + ".0.0"), "schema.lua": SCHEMA}


def write(root, name, directory=None):
    """Writes generation `name` below `root` and returns its lua_package_path."""
    generation = os.path.join(root, directory or "gen" + name)
    plugin = os.path.join(generation, "kong", "plugins", "my-plugin")
    os.makedirs(plugin, exist_ok=True)
    for old in os.listdir(plugin):
        os.remove(os.path.join(plugin, old))
    for file, text in files_of(name).items():
        with open(os.path.join(plugin, file), "w", encoding="utf-8") as out:
            out.write(text)
    return generation + "/?.lua;;"
