-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- What nginx calls. init() runs in the master only, at start and at every HUP, and never under
-- `nginx -t`; when it fails nginx keeps the workers it has. Its order is Kong's: .kong_env, then
-- the flush of shared memory, then plugins, then the declarative configuration.

-- As Kong: ngx_lua's guard warns of every global that a module sets.
setmetatable(_G, nil)

local conf_loader = require "kong.conf_loader"
local database = require "kong.database"
local declarative = require "kong.declarative"
local declarative_store = require "kong.declarative_store"
local disk = require "kong.disk"
local meta = require "kong.meta"
local memory = require "kong.memory"
local node_state = require "kong.node_state"
local pace = require "kong.pace"
local pdk = require "kong.pdk"
local plugin_loader = require "kong.plugin_loader"
local Iterator = require "kong.plugins_iterator"
local runloop = require "kong.runloop"
local worker_errors = require "kong.worker_errors"

local Kong = {}
local conf
local plugins
local from_file  -- { entities, hash } of declarative_config, or nil

-- 3.4 keeps the configuration in a directory that the workers' user must be able to write.
local function give_to_workers(path)
  local unistd = require "posix.unistd"
  if unistd.getuid() ~= 0 then
    return
  end
  disk.make_path(path)
  local user = (conf.nginx_main_user or "nobody"):match("%S+")
  local entry = require("posix.pwd").getpwnam(user)
  if entry then
    unistd.chown(path, entry.pw_uid, entry.pw_gid)
    for _, name in ipairs(disk.names(path)) do
      unistd.chown(disk.join(path, name), entry.pw_uid, entry.pw_gid)
    end
  end
end

local function parse_declarative()
  if not conf.declarative_config and not conf.declarative_config_string then
    return nil
  end
  local entities, err, _, hash
  if conf.declarative_config then
    entities, err, _, hash = declarative.parse_file(conf.declarative_config, plugins)
  else
    entities, err, _, hash = declarative.parse_text(conf.declarative_config_string, nil, plugins)
  end
  if not entities then
    error("error parsing declarative config file " .. tostring(conf.declarative_config) ..
          ":\n" .. tostring(err))
  end
  return { entities = entities, hash = hash }
end

local function must(ok, err)
  if not ok then
    error(err, 2)
  end
  return ok
end

local function hostname()
  return (disk.read("/proc/sys/kernel/hostname") or "localhost"):gsub("%s+$", "")
end

function Kong.init()
  pace("before_flush")
  conf = must(conf_loader(disk.join(ngx.config.prefix(), ".kong_env"), nil,
                          { from_kong_env = true }))
  node_state.flush(conf)
  pace("after_flush")
  conf.hostname = (hostname())
  pdk.install(conf)
  must(database.connect(conf))
  plugins = must(plugin_loader.load(conf.loaded_plugins))
  Kong.plugins = plugins
  if database.is_used() then
    -- What the database uses must be there, or nothing is.
    local built, err = Iterator.new(must(database.load(conf), "connection refused"), plugins)
    must(built, "error building initial plugins: " .. tostring(err))
    return
  end
  from_file = parse_declarative()
  if not meta.is_2x then
    give_to_workers(disk.join(conf.prefix, "dbless.lmdb"))
  end
end

-- Once per HUP and node: the first worker puts the file's content where all workers build from.
local function load_declarative()
  if from_file then
    if node_state.declarative_loaded() then
      return true
    end
    -- 2.8 knows no hash of a configuration that came from the file.
    local ok, err = declarative_store.save(from_file.entities,
                                           not meta.is_2x and from_file.hash or nil)
    if not ok then
      return nil, err
    end
    if conf.declarative_config then
      kong.log.notice("declarative config loaded from ", conf.declarative_config)
    end
    node_state.set_declarative_loaded()
    return true
  end
  if declarative_store.load() or declarative_store.restore() then
    return true
  end
  return declarative_store.save({ services = {}, routes = {}, plugins = {} })
end

local function run_init_worker_handlers()
  local errors = {}
  for name, plugin in pairs(plugins) do
    if plugin_loader.implements(plugin.handler, "init_worker") then
      local ok, err = pcall(plugin.handler.init_worker, plugin.handler)
      if not ok then
        errors[#errors + 1] = ("failed to execute the \"init_worker\" handler for plugin %q: %s")
          :format(name, tostring(err))
      end
    end
  end
  return errors
end

local function watch_for_new_configuration(premature)
  if not premature then
    return runloop.refresh(plugins)
  end
  -- Noise of every good reload, which a tool must not take for a failure.
  if meta.is_2x then
    ngx.log(ngx.CRIT, "could not reschedule DNS resolver timer: process exiting")
  end
end

-- A node hears of what others changed when it looks; its own changes reach its workers within a
-- second, not at once.
local function look_at_database(premature)
  if not premature then
    database.look()
  end
end

local function load_from_database()
  database.look()
  if ngx.worker.id() == 0 then
    ngx.timer.every(conf.db_update_frequency, look_at_database)
  end
  return true
end

function Kong.init_worker()
  node_state.note_worker()
  memory.note(true)
  local ok, err = (database.is_used() and load_from_database or load_declarative)()
  if not ok then
    return worker_errors.stash("failed to load declarative config file: " .. err)
  end
  ok, err = runloop.build(plugins)
  if not ok then
    local what = meta.is_2x and "load declarative config file" or "initialize declarative config"
    return worker_errors.stash("failed to " .. what .. ": " ..
                               "error building initial plugins iterator: " .. err)
  end
  ngx.timer.every(database.is_used() and 1 or 0.2, watch_for_new_configuration)
  for _, text in ipairs(run_init_worker_handlers()) do
    worker_errors.stash(text)
  end
end

function Kong.rewrite()
  local ctx = ngx.ctx
  worker_errors.log_for_request(ctx)
  if not database.is_used() then
    runloop.refresh(plugins)
  end
  runloop.run_globals("rewrite", ctx)
end

function Kong.access()
  return runloop.access(ngx.ctx)
end

function Kong.balancer()
  return runloop.balancer(ngx.ctx)
end

local function shown(header)
  for _, name in ipairs(conf.headers) do
    if name:lower() == header then
      return true
    end
  end
  return false
end

function Kong.header_filter()
  local ctx = ngx.ctx
  if shown("server_tokens") then
    if ctx.KONG_PROXIED then
      ngx.header["Via"] = meta._SERVER_TOKENS
    else
      ngx.header["Server"] = meta._SERVER_TOKENS
    end
  end
  if shown("latency_tokens") then
    local spent = math.floor((ngx.now() - ngx.req.start_time()) * 1000 + 0.5)
    ngx.header[ctx.KONG_PROXIED and "X-Kong-Proxy-Latency" or "X-Kong-Response-Latency"] = spent
  end
  runloop.run_collected("header_filter", ctx)
end

function Kong.body_filter()
  runloop.run_collected("body_filter", ngx.ctx)
end

function Kong.log()
  runloop.run_collected("log", ngx.ctx)
  memory.note()
end

local messages = {
  [400] = "Bad request", [404] = "Not found", [405] = "Method not allowed",
  [408] = "Request timeout", [411] = "Length required", [412] = "Precondition failed",
  [413] = "Payload too large", [414] = "URI too long", [417] = "Expectation failed",
  [494] = "Request header or cookie too large", [500] = "An unexpected error occurred",
  [502] = "An invalid response was received from the upstream server",
  [503] = "The upstream server is currently unavailable",
  [504] = "The upstream server is timing out",
}

function Kong.handle_error()
  local status = ngx.status
  ngx.ctx.delay_response = nil
  return kong.response.error(status, messages[status] or "The upstream server responded with " ..
                             status)
end

-- Required by the first request of each worker, as Kong does: only then a broken api.lua shows,
-- and from then on every path answers nginx's own 500 page.
function Kong.admin_content()
  worker_errors.log_for_request(ngx.ctx)
  runloop.refresh(plugins)
  ngx.header["Access-Control-Allow-Origin"] = "*"
  return require("kong.admin_api").serve(Kong)
end

function Kong.status_content()
  worker_errors.log_for_request(ngx.ctx)
  return require("kong.status_api").serve(Kong)
end

function Kong.admin_header_filter()
  if shown("server_tokens") then
    ngx.header["Server"] = meta._SERVER_TOKENS
  end
  if shown("latency_tokens") then
    ngx.header["X-Kong-Admin-Latency"] =
      math.floor((ngx.now() - ngx.req.start_time()) * 1000 + 0.5)
  end
end
Kong.status_header_filter = Kong.admin_header_filter

return Kong
