-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- What Kong works out of a configuration and adds to it: directives, the set of plugins, parsed
-- listeners, paths. Tables are marked, so that .kong_env leaves them out.

local bundled_plugins = require "kong.bundled_plugins"
local disk = require "kong.disk"
local fields = require "kong.conf_fields"
local listeners = require "kong.listeners"
local meta = require "kong.meta"
local prefix_paths = require "kong.prefix_paths"

local mark = { __tostring = function() return "" end }

-- Without a user kong the directive is dropped and nginx takes nobody.
local function worker_user(conf)
  local user = (conf.nginx_main_user or ""):gsub("%s+", " ")
  if user == "nobody" or user == "nobody nobody" then
    conf.nginx_main_user, conf.nginx_user = nil, nil
  elseif user == "kong" or user == "kong kong" then
    if not require("posix.pwd").getpwnam("kong") then
      conf.nginx_main_user, conf.nginx_user = nil, nil
    end
  end
end

local function collect_directives(conf)
  for block, prefix in pairs(fields.namespaces) do
    local list = setmetatable({}, mark)
    for key, value in pairs(conf) do
      if type(key) == "string" and key:sub(1, #prefix) == prefix and value ~= "NONE" then
        if type(value) ~= "table" then
          list[#list + 1] = { name = key:sub(#prefix + 1), value = tostring(value) }
        end
      end
    end
    table.sort(list, function(a, b) return a.name < b.name end)
    conf["nginx_" .. block .. "_directives"] = list
  end
end

local function expand_plugins(conf)
  local set = setmetatable({}, mark)
  if conf.plugins[1] ~= "off" then
    for _, name in ipairs(conf.plugins) do
      if name == "bundled" then
        for _, bundled in ipairs(bundled_plugins) do
          set[bundled] = true
        end
      elseif name ~= "off" then
        set[name] = true
      end
    end
  end
  conf.loaded_plugins = set
end

local function parse_listeners(conf)
  local names = { "proxy_listen", "stream_listen", "admin_listen", "status_listen" }
  if not meta.is_2x then
    names[#names + 1] = "admin_gui_listen"
  end
  for _, name in ipairs(names) do
    local list, err = listeners.parse(name, conf[name])
    if not list then
      return nil, err
    end
    conf[name .. "ers"] = setmetatable(list, mark)
    local flag = name:gsub("listen$", "ssl_enabled")
    conf[flag] = false
    for _, listener in ipairs(list) do
      conf[flag] = conf[flag] or listener.ssl
    end
  end
  return true
end

--- Completes a checked configuration in place; or nil and why it cannot be.
return function(conf)
  worker_user(conf)
  collect_directives(conf)
  expand_plugins(conf)
  local ok, err = parse_listeners(conf)
  if not ok then
    return nil, err
  end
  conf.prefix = disk.absolute(conf.prefix)
  for name, relative in pairs(prefix_paths) do
    conf[name] = disk.join(conf.prefix, relative)
  end
  return true
end
