-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- What a worker does with requests: finds route and plugins, runs the plugins phase by phase,
-- proxies. Router and plugins are built once and again when /config says so.

local Iterator = require "kong.plugins_iterator"
local Router = require "kong.router"
local database = require "kong.database"
local declarative_store = require "kong.declarative_store"
local node_state = require "kong.node_state"
local plugin_loader = require "kong.plugin_loader"
local upstream = require "kong.upstream"

local runloop = {}
local router, iterator
local built_version

local function current_version()
  return (database.is_used() and database.known_version or declarative_store.version)()
end

--- Builds from what the workers, or the nodes of a database, share; or nil and why not.
function runloop.build(plugins)
  local version = current_version()
  local entities = (database.is_used() and database.load or declarative_store.load)()
  if not entities then
    return nil, database.is_used() and "connection refused"
      or "no declarative configuration in shared memory"
  end
  local built, err = Iterator.new(entities, plugins)
  if not built then
    return nil, err
  end
  iterator = built
  node_state.count_build("plugins")
  router = Router.new(entities)
  node_state.count_build("router")
  runloop.entities = entities
  built_version = version
  return true
end

--- Builds again if another worker has announced a new configuration.
function runloop.refresh(plugins)
  if built_version and built_version ~= current_version() then
    local ok, err = runloop.build(plugins)
    if not ok then
      built_version = current_version()
      ngx.log(ngx.ERR, "could not rebuild plugins iterator: ", err,
              " (stale plugins iterator will be used)")
    end
  end
end

local function run(plugin, phase, configuration, ctx)
  local outer = ctx.KONG_PLUGIN
  ctx.KONG_PLUGIN = plugin.name
  plugin.handler[phase](plugin.handler, configuration)
  ctx.KONG_PLUGIN = outer
end

--- A phase of the plugins that are configured globally.
function runloop.run_globals(phase, ctx)
  for _, item in ipairs(iterator and iterator:globals(phase) or {}) do
    run(item.plugin, phase, item.configuration, ctx)
  end
end

--- A phase after access, of the plugins that access collected.
function runloop.run_collected(phase, ctx)
  if not ctx.KONG_COLLECTED then
    return runloop.run_globals(phase, ctx)
  end
  for _, item in ipairs(ctx.KONG_COLLECTED) do
    if plugin_loader.implements(item.plugin.handler, phase) then
      run(item.plugin, phase, item.configuration, ctx)
    end
  end
end

-- A coroutine of its own, so that kong.response.exit() can leave the plugin.
local function run_access(plugin, configuration, ctx)
  ctx.KONG_PLUGIN = plugin.name
  local thread = coroutine.create(plugin.handler.access)
  local ok, err = coroutine.resume(thread, plugin.handler, configuration)
  if not ok then
    kong.log.err(err)
    ctx.delayed_response = { status = 500, unexpected = true }
    ctx.KONG_UNEXPECTED = true
  end
  ctx.KONG_PLUGIN = nil
end

local function run_access_of_all(ctx)
  ctx.KONG_COLLECTED = {}
  ctx.delay_response = true
  for _, plugin in ipairs(iterator.order) do
    local configuration = iterator:configuration(plugin.name, ctx)
    if configuration then
      table.insert(ctx.KONG_COLLECTED, { plugin = plugin, configuration = configuration })
      if not ctx.delayed_response and plugin_loader.implements(plugin.handler, "access") then
        run_access(plugin, configuration, ctx)
      end
    end
  end
  ctx.delay_response = nil
end

local function send_delayed(ctx)
  local answer = ctx.delayed_response
  ctx.delayed_response = nil
  if answer.unexpected then
    return kong.response.error(500, "An unexpected error occurred")
  end
  return kong.response.exit(answer.status, answer.body, answer.headers)
end

local function choose_upstream(ctx)
  local service, route, var = ctx.service, ctx.route, ngx.var
  local target = ctx.balancer or { host = service.host, port = service.port }
  local address = upstream.resolve(target.host)
  if not address then
    ngx.log(ngx.ERR, "failed the initial dns/balancer resolve for '", target.host, "'")
    return kong.response.error(503, "name resolution failed")
  end
  ctx.KONG_TARGET = { address = address, port = target.port }
  var.upstream_scheme = service.protocol == "https" and "https" or "http"
  if var.upstream_uri == "" then
    var.upstream_uri = upstream.uri(service, route, ctx.KONG_PATH, ctx.KONG_COVERED, var.args)
  end
  if var.upstream_host == "" then
    local default = service.protocol == "https" and 443 or 80
    var.upstream_host = route.preserve_host and var.http_host
      or target.host .. (target.port ~= default and ":" .. target.port or "")
  end
  if route.strip_path ~= false and ctx.KONG_COVERED > 0 then
    var.upstream_x_forwarded_prefix = ctx.KONG_PATH:sub(1, ctx.KONG_COVERED)
  end
  var.upstream_x_forwarded_path = var.request_uri
  ctx.KONG_PROXIED = true
end

function runloop.access(ctx)
  if not iterator then
    return kong.response.error(500, "An unexpected error occurred")
  end
  local path = ngx.var.request_uri:match("^[^?]*")
  local route, service, covered = router:match(
    ngx.req.get_method(), ngx.var.host, path, ngx.req.get_headers())
  if not route then
    return kong.response.error(404, "no Route matched with those values")
  end
  ctx.route, ctx.service, ctx.KONG_PATH, ctx.KONG_COVERED = route, service, path, covered
  run_access_of_all(ctx)
  if ctx.delayed_response then
    return send_delayed(ctx)
  elseif not service then
    return kong.response.error(503, "no Service found with those values")
  end
  return choose_upstream(ctx)
end

function runloop.balancer(ctx)
  local target = ctx.KONG_TARGET
  local ok, err = require("ngx.balancer").set_current_peer(target.address, target.port)
  if not ok then
    ngx.log(ngx.ERR, "failed to set the current peer: ", err)
    return ngx.exit(500)
  end
end

return runloop
