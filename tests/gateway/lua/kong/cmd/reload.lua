-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- `kong reload`. The source of truth is PREFIX/.kong_env; a -c file is appended to it and
-- written there before anything is validated, so what it once held stays, wrong keys too.
-- "Kong reloaded" means that HUP was sent.

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

local function append_to_env(kong_env, path)
  local text = must(disk.read(path))
  if disk.exists(kong_env) then
    text = must(disk.read(kong_env)) .. "\n" .. text
  end
  must(prefix.write_env_file(kong_env, text))
end

return {
  lapp = [[
Usage: kong reload [OPTIONS]

Reload a Kong node (and start other configured services
if necessary) in given prefix directory.

This command sends a HUP signal to Nginx, which will spawn
new workers (taking configuration changes into account),
and stop the old ones when they have finished processing
current requests.

Options:
 -c,--conf        (optional string) configuration file
 -p,--prefix      (optional string) prefix Kong is running at
 --nginx-conf     (optional string) custom Nginx configuration template
]],
  execute = function(args)
    log.disable()
    local asked, why = conf_loader(args.conf, { prefix = args.prefix })
    log.enable()
    must(asked, why)
    must(disk.exists(asked.prefix), "no such prefix: " .. asked.prefix)
    if args.conf then
      append_to_env(asked.kong_env, args.conf)
    end
    local conf = must(conf_loader(asked.kong_env, { prefix = args.prefix }))
    if not asked.declarative_config then
      conf.declarative_config = nil
    end
    must(prefix.prepare(conf, args.nginx_conf))
    if not meta.is_2x then
      must(database.connect(conf))
    end
    must(nginx.reload(conf))
    log("Kong reloaded")
  end,
}
