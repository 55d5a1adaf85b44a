-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- `kong start`. 2.8 prepares the prefix before it looks whether a node runs there: a mistaken
-- start rewrites a live node's files.

local conf_loader = require "kong.conf_loader"
local database = require "kong.database"
local disk = require "kong.disk"
local log = require "kong.cmd.log"
local meta = require "kong.meta"
local nginx = require "kong.nginx"
local prefix = require "kong.prefix"

local function must(ok, err)
  if not ok then
    error(err, 0)
  end
  return ok
end

local function remove_dangling_sockets(directory)
  for _, name in ipairs(disk.names(directory)) do
    local path = disk.join(directory, name)
    if disk.is_socket(path) then
      log.warn("removing unix socket: %s", path)
      os.remove(path)
    end
  end
end

return {
  lapp = [[
Usage: kong start [OPTIONS]

Start Kong (Nginx and other configured services) in the configured
prefix directory.

Options:
 -c,--conf        (optional string)   Configuration file.
 -p,--prefix      (optional string)   Override prefix directory.
 --nginx-conf     (optional string)   Custom Nginx configuration template.
 --run-migrations (optional boolean)  Run migrations before starting.
 --db-timeout     (default 60)        Timeout, in seconds, for database operations.
 --lock-timeout   (default 60)        Timeout, in seconds, for migrations elsewhere.
]],
  execute = function(args)
    local conf = must(conf_loader(args.conf, { prefix = args.prefix }))
    local function not_running()
      must(not nginx.running_pid(conf), "Kong is already running in " .. conf.prefix)
    end
    if meta.is_2x then
      must(prefix.prepare(conf, args.nginx_conf))
      not_running()
    else
      not_running()
      must(prefix.prepare(conf, args.nginx_conf))
      remove_dangling_sockets(conf.prefix)
    end
    must(database.connect(conf))
    must(nginx.start(conf))
    log("Kong started")
  end,
}
