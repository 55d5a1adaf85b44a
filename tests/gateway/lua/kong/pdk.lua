-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- The global `kong` that plugins see: the part of the plugin development kit they use most.

local meta = require "kong.meta"

local pdk = {}

local function per_request(key)
  return function()
    local ctx = ngx.ctx
    ctx[key] = ctx[key] or {}
    return ctx[key]
  end
end

local shared = per_request("KONG_SHARED")

local function plugin_context()
  local ctx = ngx.ctx
  local name = ctx.KONG_PLUGIN or "core"
  ctx.KONG_PLUGIN_CTX = ctx.KONG_PLUGIN_CTX or {}
  ctx.KONG_PLUGIN_CTX[name] = ctx.KONG_PLUGIN_CTX[name] or {}
  return ctx.KONG_PLUGIN_CTX[name]
end

-- One table per request that looks like one global table.
local function proxy(target)
  return setmetatable({}, {
    __index = function(_, key) return target()[key] end,
    __newindex = function(_, key, value) target()[key] = value end,
  })
end

local function client()
  return {
    get_ip = function() return ngx.var.remote_addr end,
    get_forwarded_ip = function() return ngx.var.remote_addr end,
    get_port = function() return tonumber(ngx.var.remote_port) end,
    get_forwarded_port = function() return tonumber(ngx.var.remote_port) end,
    get_consumer = function() return ngx.ctx.authenticated_consumer end,
    get_credential = function() return ngx.ctx.authenticated_credential end,
    get_protocol = function() return ngx.var.scheme end,
    authenticate = function(consumer, credential)
      local ctx = ngx.ctx
      ctx.authenticated_consumer = consumer
      ctx.authenticated_credential = credential
    end,
  }
end

local function router()
  return {
    get_route = function() return ngx.ctx.route end,
    get_service = function() return ngx.ctx.service end,
  }
end

local function node(configuration)
  return {
    get_id = function() return ngx.shared.kong:get("kong:node_id") end,
    get_hostname = function() return configuration.hostname end,
    get_memory_stats = function() return require("kong.memory").stats() end,
  }
end

--- Makes the global. Called in the master, before any plugin is loaded.
function pdk.install(configuration)
  local version = meta._VERSION_TABLE
  _G.kong = {
    version = meta._VERSION,
    version_num = version.major * 1000000 + version.minor * 1000 + version.patch * 10,
    configuration = configuration,
    log = require "kong.pdk.log",
    request = require "kong.pdk.request",
    response = require "kong.pdk.response",
    service = require "kong.pdk.service",
    ctx = { shared = proxy(shared), plugin = proxy(plugin_context) },
    client = client(),
    router = router(),
    node = node(configuration),
    ip = { is_trusted = function() return false end },
    db = {},
  }
  if meta.is_2x then
    package.preload["kong.plugins.base_plugin"] = function()
      return require "kong.base_plugin"
    end
  end
end

return pdk
