-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- `kong config parse FILE`: loads every handler and schema of `plugins` and checks FILE against
-- them. A PREFIX/.kong_env, if there is one, silently takes the place of -c.
-- As `resty` does for Kong, the work runs in an nginx of its own, so plugins find all of `ngx`.

local conf_loader = require "kong.conf_loader"
local disk = require "kong.disk"
local json = require "cjson"
local log = require "kong.cmd.log"
local meta = require "kong.meta"
local nginx = require "kong.nginx"
local templates = require "kong.nginx_templates"

local function plain(value)
  if type(value) ~= "table" then
    return value
  end
  local out = {}
  for key, item in pairs(value) do
    out[key] = plain(item)
  end
  return out
end

local job_conf = [[
%s
daemon off;
master_process off;
worker_processes 1;
pid nginx.pid;
error_log stderr warn;
%s
events { worker_connections 64; }
http {
    access_log off;
%s
    lua_package_path '%s;;';
    lua_shared_dict kong 1m;
    lua_shared_dict kong_core_db_cache 1m;
    init_worker_by_lua_block {
        require("kong.meta").select("%s")
        ngx.timer.at(0, function() require("kong.cmd.parse_job")("%s/job.json") end)
    }
}
]]

local function environment_directives()
  local lines = {}
  for name in pairs(require("posix.stdlib").getenv()) do
    if name:match("^[%w_]+$") then
      lines[#lines + 1] = "env " .. name .. ";"
    end
  end
  return table.concat(lines, "\n")
end

local function run_job(conf, file)
  local directory = assert(require("posix.stdlib").mkdtemp("/tmp/kong-parse-XXXXXX"))
  disk.write(directory .. "/job.json", json.encode({ conf = plain(conf), file = file }))
  disk.write(directory .. "/nginx.conf", job_conf:format(
    templates.load_modules(), environment_directives(), templates.temp_paths(),
    os.getenv("LUA_PATH") or "", meta._VERSION, directory))
  local binary = assert(nginx.binary())
  local code = os.execute(("%s -p %s -c nginx.conf"):format(binary, directory))
  os.execute("rm -rf " .. directory)
  return code == 0 or code == true
end

local function parse(conf, file)
  if not file then
    error("expected a declarative configuration file; see `kong config --help`", 0)
  end
  io.stdout:flush()
  if not run_job(conf, disk.absolute(file)) then
    os.exit(1)
  end
end

return {
  lapp = [[
Usage: kong config COMMAND [OPTIONS]

Use declarative configuration files with Kong.

The available commands are:
  parse <file>                        Parse a declarative config file (check
                                      its syntax) but do not load it into Kong.

Options:
 -c,--conf        (optional string)   Configuration file.
 -p,--prefix      (optional string)   Override prefix directory.
]],
  sub_commands = { parse = true, db_import = true, db_export = true },
  execute = function(args)
    log.disable()
    local conf, err = conf_loader(args.conf, { prefix = args.prefix })
    log.enable()
    if conf and disk.exists(conf.kong_env) then
      conf, err = conf_loader(conf.kong_env)
    end
    if not conf then
      error(err, 0)
    end
    if args.command ~= "parse" then
      error("'kong config " .. args.command .. "' only works with a database.", 0)
    end
    parse(conf, args[1])
  end,
}
