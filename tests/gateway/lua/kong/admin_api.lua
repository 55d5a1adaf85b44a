-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- The Admin API. Built by the first request of each worker, plugins'
-- api.lua included; what it answers about configuration and plugins is the answering worker's.

local admin_entities = require "kong.admin_entities"
local api_routes = require "kong.api_routes"
local conf_loader = require "kong.conf_loader"
local config_routes = require "kong.config_routes"
local health_routes = require "kong.health_routes"
local json = require "kong.json"
local meta = require "kong.meta"
local node_state = require "kong.node_state"

local loaded  -- the plugins of this worker, by name

local function available_on_server()
  local available = {}
  for name, plugin in pairs(loaded) do
    if meta.is_2x then
      available[name] = true
    else
      available[name] = {
        version = plugin.handler.VERSION, priority = plugin.handler.PRIORITY,
      }
    end
  end
  return available
end

local function enabled_in_cluster()
  local names, seen = json.array(), {}
  for _, plugin in ipairs((admin_entities.entities() or {}).plugins or {}) do
    if not seen[plugin.name] then
      seen[plugin.name] = true
      names[#names + 1] = plugin.name
    end
  end
  return names
end

local function node_information()
  return kong.response.exit(200, {
    tagline = "Welcome to kong",
    version = meta._VERSION,
    hostname = kong.node.get_hostname(),
    node_id = kong.node.get_id(),
    lua_version = jit.version,
    timers = { running = ngx.timer.running_count(), pending = ngx.timer.pending_count() },
    pids = { master = require("ngx.process").get_master_pid(), workers = node_state.worker_pids() },
    plugins = {
      available_on_server = available_on_server(),
      enabled_in_cluster = enabled_in_cluster(),
    },
    configuration = conf_loader.without_secrets(kong.configuration),
  })
end

local function enabled_plugins()
  local names = json.array()
  for name in pairs(loaded) do
    names[#names + 1] = name
  end
  table.sort(names)
  return kong.response.exit(200, { enabled_plugins = names })
end

-- A schema as JSON: functions and metatables gone.
local function plain(value)
  if type(value) ~= "table" then
    return type(value) ~= "function" and value or nil
  end
  local out = {}
  for key, item in pairs(value) do
    if item == ngx.null then
      out[key] = item
    else
      out[key] = plain(item)
    end
  end
  return out
end

local function plugin_schema(self)
  local plugin = loaded[self.params.name]
  if not plugin then
    return kong.response.exit(404, { message = "No plugin named '" .. self.params.name .. "'" })
  end
  return kong.response.exit(200, {
    fields = plain(plugin.schema.fields),
    entity_checks = json.array(plain(plugin.schema.entity_checks or {})),
  })
end

local routes = {}
api_routes.attach(routes, {
  ["/"] = { GET = node_information },
  ["/plugins/enabled"] = { GET = enabled_plugins },
  ["/schemas/plugins/:name"] = { GET = plugin_schema },
})
admin_entities.attach(routes, function() return loaded end)
api_routes.attach(routes, health_routes.status)
api_routes.attach(routes, config_routes)
api_routes.attach_plugins(routes, kong.configuration.loaded_plugins, "api")

return {
  serve = function(Kong)
    loaded = Kong.plugins
    return api_routes.serve(routes)
  end,
}
