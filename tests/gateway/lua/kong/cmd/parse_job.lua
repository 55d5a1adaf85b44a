-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- The inner half of `kong config parse`: runs inside nginx and ends that process.

-- As Kong: ngx_lua's guard warns of every global that a module sets.
setmetatable(_G, nil)
ngx.IS_CLI = true

local database = require "kong.database"
local declarative = require "kong.declarative"
local disk = require "kong.disk"
local json = require "kong.json"
local log = require "kong.cmd.log"
local pdk = require "kong.pdk"
local plugin_loader = require "kong.plugin_loader"

local function must(ok, err)
  if not ok then
    error(err, 0)
  end
  return ok
end

local function work(job)
  local conf = job.conf
  package.path = (conf.lua_package_path or "") .. ";" .. package.path
  package.cpath = (conf.lua_package_cpath or "") .. ";" .. package.cpath
  pdk.install(conf)
  must(database.connect(conf))
  must(plugin_loader.has_schemas(conf.loaded_plugins))
  local plugins = must(plugin_loader.load(conf.loaded_plugins))
  local entities, err = declarative.parse_file(job.file, plugins)
  if not entities then
    error("Failed parsing:\n" .. tostring(err), 0)
  end
  log("parse successful")
end

return function(path)
  local job = json.decode((disk.read(path)))
  local ok, err = xpcall(function() work(job) end, function(message)
    return (tostring(message):gsub("^[^\n]-:%d+: ", "", 1))
  end)
  if not ok then
    io.stderr:write("Error: ", err,
                    "\n\n  Run with --v (verbose) or --vv (debug) for more details\n")
    io.stderr:flush()
  end
  os.exit(ok and 0 or 1)
end
