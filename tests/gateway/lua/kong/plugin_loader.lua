-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- Loads the handler and schema of every plugin of `plugins`, with Lua's own `require`, and says
-- no as Kong does.

local meta = require "kong.meta"
local schema = require "kong.schema"
local schema_errors = require "kong.schema_errors"

local loader = {}

--- true and the module; or false and the paths tried, when there is no such module. Any other
-- failure (syntax, an error in its main chunk, a module it needs) is thrown.
function loader.require_if_exists(name)
  local ok, result = xpcall(function() return require(name) end, debug.traceback)
  if ok then
    return true, result
  end
  if type(result) == "string" and result:find("module '" .. name .. "' not found", 1, true) then
    return false, result
  end
  error("error loading module '" .. name .. "':\n" .. tostring(result), 2)
end

local function is_whole(number)
  return type(number) == "number" and number == number and math.abs(number) ~= math.huge
    and math.floor(number) == number
end

-- "1.2.0-rc1" counts as 1.2.0; four numbers, a trailing dot or none at all do not count.
local function clean_version(text)
  local numbers = type(text) == "string" and text:match("[%d%.]+")
  if not numbers or numbers:find("%.$") or not numbers:find("^%d") then
    return nil
  end
  local _, dots = numbers:gsub("%.", "")
  return dots <= 2 and numbers or nil
end

local function check_handler_3x(name, handler)
  if not is_whole(handler.PRIORITY) then
    return nil, ("Plugin %q cannot be loaded because its PRIORITY field is not " ..
      "a valid integer number, got: %q.\n"):format(name, tostring(handler.PRIORITY))
  end
  local version = clean_version(handler.VERSION)
  if not version then
    return nil, ("Plugin %q cannot be loaded because its VERSION field does not " ..
      "follow the \"x.y.z\" format, got: %q.\n"):format(name, tostring(handler.VERSION))
  end
  handler.VERSION = version
  return handler
end

local function has(handler, phase)
  if type(handler) ~= "table" or type(handler[phase]) ~= "function" then
    return false
  end
  if meta.is_2x then
    return handler[phase] ~= require("kong.plugins.base_plugin")[phase]
  end
  return true
end
loader.implements = has

local function load_handler(name)
  local ok, handler = loader.require_if_exists("kong.plugins." .. name .. ".handler")
  if not ok then
    return nil, name .. " plugin is enabled but not installed;\nno plugin found"
  end
  if type(handler) == "table" and not meta.is_2x then
    local err
    handler, err = check_handler_3x(name, handler)
    if not handler then
      return nil, err
    end
  end
  if has(handler, "response") and (has(handler, "header_filter") or has(handler, "body_filter"))
  then
    return nil, ("Plugin %q can't be loaded because it implements both `response` " ..
      "and `header_filter` or `body_filter` methods.\n"):format(name)
  end
  return handler
end

local function load_schema(name)
  local ok, definition = loader.require_if_exists("kong.plugins." .. name .. ".schema")
  if not ok then
    return nil, "no configuration schema found for plugin: " .. name
  end
  local problems = schema.validate_definition(definition)
  if problems then
    return nil, schema_errors.violation(problems)
  end
  return definition
end

local function load_daos(name)
  local ok, daos = loader.require_if_exists("kong.plugins." .. name .. ".daos")
  if ok and not meta.is_2x and (type(daos) ~= "table" or (next(daos) ~= nil and not daos[1])) then
    return nil, ("custom plugin '%s' returned non-array daos definition table"):format(name)
  end
  return true
end

local function load_plugin(name)
  local handler, err = load_handler(name)
  if not handler then
    return nil, err
  end
  local definition
  definition, err = load_schema(name)
  if not definition then
    return nil, err
  end
  local ok
  ok, err = load_daos(name)
  if not ok then
    return nil, err
  end
  -- A handler of 2.x may be a class that extends the base plugin.
  if meta.is_2x and type(handler) == "table" and handler.is_kong_class then
    handler = handler()
  end
  return { name = name, handler = handler, schema = definition }
end

--- nil and Kong's error text when a plugin has no schema: `config parse` looks for all of them
--- before it loads any plugin.
function loader.has_schemas(names)
  for name in pairs(names) do
    local definition, err = load_schema(name)
    if not definition then
      return nil, err
    end
  end
  return true
end

--- The plugins named by the keys of `names`, by name; or nil and every plugin's error.
function loader.load(names)
  local plugins, errors = {}, {}
  for name in pairs(names) do
    local plugin, err = load_plugin(name)
    if plugin then
      plugins[name] = plugin
    else
      errors[#errors + 1] = "on plugin '" .. name .. "': " .. tostring(err)
    end
  end
  if #errors > 0 then
    return nil, "error loading plugin schemas: " .. table.concat(errors, "; ")
  end
  return plugins
end

return loader
