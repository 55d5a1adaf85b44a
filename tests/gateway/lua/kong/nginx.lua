-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- Starting, testing and signalling nginx. A signal is sent and not waited for, as in Kong.

local posix_signal = require "posix.signal"
local disk = require "kong.disk"
local log = require "kong.cmd.log"

local nginx = {}

local search = {
  "/usr/local/openresty/nginx/sbin/nginx", "/opt/openresty/nginx/sbin/nginx",
  "/usr/sbin/nginx",
}

local function quote(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

--- Runs a shell command; true and its stderr, or false, its stderr and its exit code.
local function run(command)
  local errors = os.tmpname()
  local code = os.execute("( " .. command .. " ) 2>" .. errors)
  local text = disk.read(errors) or ""
  os.remove(errors)
  -- Lua 5.1's os.execute answers the wait status, 5.2's true or nil.
  if code == true or code == 0 then
    return true, text, 0
  end
  return false, text, type(code) == "number" and math.floor(code / 256) or 1
end

function nginx.binary()
  for _, path in ipairs(search) do
    if disk.exists(path) then
      return path
    end
  end
  return nil, "could not find OpenResty 'nginx' executable"
end

local function command_line(conf, before, after)
  local binary, err = nginx.binary()
  if not binary then
    return nil, err
  end
  return ("%s%s -p %s -c nginx.conf%s"):format(before, binary, quote(conf.prefix), after)
end

--- The master named in the pid file, if such a process exists. It may be another program's.
function nginx.running_pid(conf)
  local text = disk.read(conf.nginx_pid)
  local pid = text and tonumber(text:match("%d+"))
  if pid and posix_signal.kill(pid, 0) == 0 then
    return pid
  end
  return nil
end

local function signal(conf, number)
  local pid = nginx.running_pid(conf)
  if not pid then
    return nil, "nginx not running in prefix: " .. conf.prefix
  end
  if posix_signal.kill(pid, number) ~= 0 then
    return nil, "could not send signal"
  end
  return true
end

function nginx.stop(conf)
  return signal(conf, posix_signal.SIGTERM)
end

function nginx.quit(conf)
  return signal(conf, posix_signal.SIGQUIT)
end

function nginx.check(conf)
  local command, err = command_line(conf, "KONG_NGINX_CONF_CHECK=true ", " -t")
  if not command then
    return nil, err
  end
  log.debug("testing nginx configuration: %s", command)
  local ok, text, code = run(command)
  if not ok then
    return nil, ("nginx configuration is invalid (exit code %d):\n%s"):format(code, text)
  end
  return true
end

--- As a daemon this returns when the master has run init_by_lua; otherwise when nginx ends.
function nginx.start(conf)
  if nginx.running_pid(conf) then
    return nil, "nginx is already running in " .. conf.prefix
  end
  local command, err = command_line(conf, "", "")
  if not command then
    return nil, err
  end
  log.debug("starting nginx: %s", command)
  if conf.nginx_main_daemon == "on" then
    local ok, text = run(command)
    if not ok then
      return nil, text
    end
    return true
  end
  local code = os.execute(command)
  if code ~= 0 and code ~= true then
    return nil, ("failed to start nginx (exit code: %s)"):format(tostring(code))
  end
  return true
end

function nginx.reload(conf)
  if not nginx.running_pid(conf) then
    return nil, "nginx not running in prefix: " .. conf.prefix
  end
  local command, err = command_line(conf, "", " -s reload")
  if not command then
    return nil, err
  end
  log.debug("reloading nginx: %s", command)
  local ok, text = run(command)
  if not ok then
    return nil, text
  end
  return true
end

return nginx
