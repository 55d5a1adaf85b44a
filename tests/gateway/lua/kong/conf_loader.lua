-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- The effective configuration: command line > environment > file > defaults, then one type and
-- one value per property.

local complete = require "kong.conf_computed"
local conf_text = require "kong.conf_text"
local defaults_text = require "kong.defaults"
local disk = require "kong.disk"
local fields = require "kong.conf_fields"
local log = require "kong.cmd.log"
local meta = require "kong.meta"

local default_paths = { "/etc/kong/kong.conf", "/etc/kong.conf" }

local loader = {}

local function strip(text)
  return (text:gsub("^%s+", ""):gsub("%s+$", ""))
end

local function environment()
  local found = {}
  for name, value in pairs(require("posix.stdlib").getenv()) do
    local key = name:match("^KONG_(.+)$")
    if key and key == key:upper() and not key:find("^STANDIN_") then
      found[key:lower()] = value
    end
  end
  return found
end

local function in_a_namespace(key)
  if type(key) ~= "string" then
    return false
  end
  for _, prefix in pairs(fields.namespaces) do
    if key:sub(1, #prefix) == prefix and #key > #prefix then
      return true
    end
  end
  for _, prefix in ipairs(fields.other_namespaces) do
    if key:sub(1, #prefix) == prefix and #key > #prefix then
      return true
    end
  end
  return false
end

local function merge(defaults, file, env, arguments)
  local known = {}
  for key in pairs(defaults) do
    known[key] = true
  end
  for _, source in ipairs { defaults, file, env, arguments } do
    for key, value in pairs(source) do
      if in_a_namespace(key) then
        known[key] = true
        if type(value) ~= "table" and fields.type_of[key] == nil then
          source[key] = tostring(value)
        end
      end
    end
  end
  local conf = {}
  for key in pairs(known) do
    local value = file[key]
    if env[key] ~= nil then
      log.debug('KONG_%s ENV found with "%s"', key:upper(),
                fields.sensitive[key] and "******" or env[key])
      value = conf_text.protect(env[key])
    end
    if arguments[key] ~= nil then
      value = conf_text.protect(arguments[key])
    end
    conf[key] = value
  end
  for old, new in pairs(fields.aliases) do
    if conf[old] ~= nil and conf[new] == nil then
      conf[new] = tostring(conf[old])
    end
  end
  for key, value in pairs(defaults) do
    if conf[key] == nil then
      conf[key] = value == "NONE" and "" or value
    end
  end
  return conf
end

local function split_list(text)
  local list = {}
  for item in (text .. ","):gmatch("([^,]*),") do
    list[#list + 1] = strip(item)
  end
  return list
end

local function typed(value, kind, opts)
  if type(value) == "string" then
    if meta.is_2x and not opts.from_kong_env then
      value = conf_text.cut_comment_2x(value)
    end
    value = strip(value)
  end
  if kind == "boolean" then
    value = value == true or value == "on" or value == "true"
  elseif kind == "ngx_boolean" then
    value = (value == "on" or value == true) and "on" or "off"
  elseif kind == "string" then
    value = tostring(value)
  elseif kind == "number" then
    value = tonumber(value)
  elseif kind == "array" and type(value) == "string" then
    value = value == "" and {} or split_list(value)
  end
  if value == "" then
    return nil
  end
  return value
end

local lua_type = {
  boolean = "boolean", ngx_boolean = "string", string = "string", number = "number",
  array = "table",
}

local function contains(list, wanted)
  for _, item in ipairs(list) do
    if item == wanted then
      return true
    end
  end
  return false
end

local function check_types(conf, opts)
  local errors, keys = {}, {}
  for key in pairs(conf) do
    keys[#keys + 1] = key
  end
  table.sort(keys)
  for _, key in ipairs(keys) do
    local kind = fields.type_of[key]
    local value = typed(conf[key], kind, opts)
    local enum = fields.enums[key]
    if enum and not contains(enum, value) then
      errors[#errors + 1] = ("%s has an invalid value: '%s' (%s)"):format(
        key, tostring(value), table.concat(enum, ", "))
    elseif value and not enum and type(value) ~= lua_type[kind or "string"] then
      errors[#errors + 1] = ("%s is not a %s: '%s'"):format(
        key, kind or "string", tostring(value))
    end
    conf[key] = value
  end
  return errors
end

local function first_is_off(list)
  return #list < 1 or list[1] == "off"
end

local function check_role(conf, errors)
  local function add(text)
    errors[#errors + 1] = text
  end
  if conf.role == "control_plane" then
    if first_is_off(conf.admin_listen) then
      add('admin_listen must be specified when role = "control_plane"')
    end
    if conf.database == "off" then
      add('in-memory storage can not be used when role = "control_plane"')
    end
  elseif conf.role == "data_plane" then
    if first_is_off(conf.proxy_listen) then
      add('proxy_listen must be specified when role = "data_plane"')
    end
    if conf.database ~= "off" then
      add('only in-memory storage can be used when role = "data_plane"\n' ..
          "Hint: set database = off in your kong.conf")
    end
  end
  if conf.role ~= "traditional" and not (conf.cluster_cert and conf.cluster_cert_key) then
    add("cluster certificate and key must be provided to use Hybrid mode")
  end
end

-- `{vault://env/NAME}`, in the process that runs the command line. Only 2.8 is simulated.
local function dereference(conf)
  if not meta.is_2x then
    return true
  end
  for key, value in pairs(conf) do
    local name = type(value) == "string" and value:match("^{vault://env/([^/}]+)}$")
    if name then
      local found = os.getenv((name:upper():gsub("-", "_")))
      if not found then
        return nil, ("failed to dereference '%s': %s for config option '%s'"):format(
          value, "unable to load value (" .. name .. ") from vault (env)", key)
      end
      conf[key] = found
    end
  end
  return true
end

local function find_file(path)
  if path then
    if not disk.exists(path) then
      return nil, "no file at: " .. path
    end
    return path
  end
  for _, candidate in ipairs(default_paths) do
    if disk.exists(candidate) then
      return candidate
    end
    log.verbose("no config file found at %s", candidate)
  end
  log.verbose("no config file, skip loading")
  return nil
end

--- The effective configuration, or nil, the first error, and all of them.
-- `path` nil: the default places are searched. opts.from_kong_env: what nginx loads; the
-- environment is not looked at.
function loader.load(path, arguments, opts)
  opts = opts or {}
  local found, err = find_file(path)
  if err then
    return nil, err
  end
  local file = {}
  if found then
    log.verbose("reading config file at %s", found)
    file, err = conf_text.load(found)
    if not file then
      return nil, "could not load config file: " .. err
    end
  end
  local env = opts.from_kong_env and {} or environment()
  local conf = merge(conf_text.properties(defaults_text), file, env, arguments or {})
  local ok
  ok, err = dereference(conf)
  if not ok then
    return nil, err
  end
  local errors = check_types(conf, opts)
  if #errors == 0 then
    check_role(conf, errors)
  end
  if #errors > 0 then
    return nil, errors[1], errors
  end
  ok, err = complete(conf)
  if not ok then
    return nil, err
  end
  log.verbose("prefix in use: %s", conf.prefix)
  return conf
end

--- What the Admin API may show: secrets replaced, functions and computed marks gone.
function loader.without_secrets(conf)
  local copy = {}
  for key, value in pairs(conf) do
    copy[key] = fields.sensitive[key] and "******" or value
  end
  return copy
end

return setmetatable(loader, {
  __call = function(_, ...)
    return loader.load(...)
  end,
})
