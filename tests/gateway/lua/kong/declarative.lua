-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- A declarative configuration (kong.yml or JSON), checked against the schemas of the entities
-- and of the plugins, and flattened: what was nested refers to what it was nested in.

local lyaml = require "lyaml"
local disk = require "kong.disk"
local entity_schemas = require "kong.entities"
local json = require "kong.json"
local meta = require "kong.meta"
local schema = require "kong.schema"
local schema_errors = require "kong.schema_errors"

local declarative = {}

local formats = meta.is_2x and { "1.1", "2.1" } or { "1.1", "2.1", "3.0" }
local top_level = { _format_version = true, _transform = true, _comment = true, _ignore = true }

local function replace_nulls(tree)
  for key, value in pairs(tree) do
    if value == lyaml.null then
      tree[key] = ngx.null
    elseif type(value) == "table" then
      replace_nulls(value)
    end
  end
end

local function decode(text, filename)
  local tree, err
  if not filename or filename:match("json$") then
    tree, err = json.decode(text)
  end
  if type(tree) ~= "table" and (not filename or filename:match("ya?ml$")) then
    local ok
    ok, tree = pcall(lyaml.load, text)
    if not ok then
      return nil, "failed parsing declarative configuration: " .. tostring(tree)
    elseif type(tree) ~= "table" then
      return nil, "failed parsing declarative configuration: expected an object"
    end
    replace_nulls(tree)
  end
  if type(tree) ~= "table" then
    if filename and not filename:match("json$") and not filename:match("ya?ml$") then
      return nil, "unknown file type: " .. filename .. ". (Accepted types: json, yaml)"
    end
    return nil, "failed parsing declarative configuration" .. (err and ": " .. err or "")
  end
  return tree
end

local function identifier(kind, text)
  local hash = ngx.md5(kind .. ":" .. text)
  return ("%s-%s-5%s-a%s-%s"):format(hash:sub(1, 8), hash:sub(9, 12), hash:sub(14, 16),
                                    hash:sub(18, 20), hash:sub(21, 32))
end

local function split_url(service)
  local protocol, rest = service.url:match("^(%a+)://(.+)$")
  if not protocol then
    return "missing host in url"
  end
  local authority, path = rest:match("^([^/]*)(.*)$")
  local host, port = authority:match("^(.-):(%d+)$")
  service.protocol = protocol
  service.host = host or authority
  service.port = tonumber(port) or (protocol == "https" and 443 or 80)
  service.path = path ~= "" and path or nil
  service.url = nil
  return nil
end

local function check_plugin(plugin, loaded)
  if type(plugin.name) ~= "string" then
    return nil
  end
  local known = loaded[plugin.name]
  if not known then
    return { name = ("plugin '%s' not enabled; add it to the 'plugins' configuration property")
      :format(plugin.name) }
  end
  for _, entry in ipairs(known.schema.fields) do
    local definition = entry.config
    if definition then
      if plugin.config == nil or plugin.config == ngx.null then
        plugin.config = {}
      end
      local problem = type(plugin.config) ~= "table" and "expected a record"
      if not problem then
        schema.fill_defaults(definition, plugin.config)
        problem = schema.validate_value(definition, plugin.config)
      end
      return problem and { config = problem } or nil
    end
  end
  return nil
end

local Flattening = {}
Flattening.__index = Flattening

local function name_of(kind, entity, count)
  return tostring(entity.name or entity.username or entity.key or "") .. "#" ..
    (kind == "plugins" and count or "")
end

--- Fills in the defaults of one entity. The tree of what is wrong with it, or nil.
function declarative.check(kind, entity, loaded)
  local definition = entity_schemas[kind]
  local errors = schema.validate_record(definition, entity) or {}
  if kind == "plugins" then
    for key, problem in pairs(check_plugin(entity, loaded) or {}) do
      errors[key] = problem
    end
  elseif kind == "services" and type(entity.url) == "string" then
    errors.url = errors.url or split_url(entity)
  end
  if kind == "services" and entity.host == nil and not next(errors) then
    errors.host = "required field missing"
  end
  schema.fill_defaults(definition, entity)
  return next(errors) and errors or nil
end

function Flattening:add(kind, entity, parent_field, parent)
  local errors = declarative.check(kind, entity, self.loaded) or {}
  self.count = self.count + 1
  entity.id = entity.id or identifier(kind, name_of(kind, entity, self.count))
  if parent then
    entity[parent_field] = { id = parent.id }
  end
  for inner, field in pairs(entity_schemas.nested[kind] or {}) do
    local list = entity[inner]
    entity[inner] = nil
    if type(list) == "table" then
      errors[inner] = self:add_all(inner, list, field, entity)
    end
  end
  self.entities[kind][#self.entities[kind] + 1] = entity
  return next(errors) and errors or nil
end

function Flattening:add_all(kind, list, parent_field, parent)
  local errors = {}
  for i, entity in ipairs(list) do
    if type(entity) ~= "table" then
      errors[i] = "expected a record"
    else
      errors[i] = self:add(kind, entity, parent_field, parent)
    end
  end
  return next(errors) and errors or nil
end

-- `service: my-service` or `service: { name: … }` becomes `service = { id = … }`.
function Flattening:resolve(kind)
  local errors = {}
  local targets = { service = "services", route = "routes", consumer = "consumers" }
  for i, entity in ipairs(self.entities[kind]) do
    for field, target in pairs(targets) do
      local wanted = entity[field]
      if wanted ~= nil and wanted ~= ngx.null then
        local key = type(wanted) == "table" and (wanted.id or wanted.name or wanted.username)
          or wanted
        local found
        for _, candidate in ipairs(self.entities[target]) do
          if candidate.id == key or candidate.name == key or candidate.username == key then
            found = candidate
          end
        end
        if found then
          entity[field] = { id = found.id }
        else
          errors[i] = { [field] = ("invalid reference '%s: %s' (no such entity in '%s')"):format(
            field, tostring(key), target) }
        end
      end
    end
  end
  return next(errors) and errors or nil
end

local function check_format(tree)
  local format = tree._format_version
  if format == nil or format == ngx.null then
    return "required field missing"
  elseif type(format) ~= "string" then
    return "expected a string"
  end
  for _, known in ipairs(formats) do
    if known == format then
      return nil
    end
  end
  return "expected one of: " .. table.concat(formats, ", ")
end

--- The flattened entities of a decoded configuration; or nil, the text and the tree of errors.
function declarative.parse_table(tree, loaded)
  local errors = { _format_version = check_format(tree) }
  local flattening = setmetatable({ loaded = loaded, entities = {}, count = 0 }, Flattening)
  for _, kind in ipairs(entity_schemas.order) do
    flattening.entities[kind] = {}
  end
  for key, value in pairs(tree) do
    if not top_level[key] and not entity_schemas.ignored[key] and not flattening.entities[key] then
      errors[key] = "unknown field"
    elseif flattening.entities[key] and type(value) ~= "table" and value ~= ngx.null then
      errors[key] = "expected an array"
    end
  end
  for _, kind in ipairs(entity_schemas.order) do
    if type(tree[kind]) == "table" then
      errors[kind] = flattening:add_all(kind, tree[kind])
    end
  end
  if not next(errors) then
    for _, kind in ipairs(entity_schemas.order) do
      errors[kind] = flattening:resolve(kind)
    end
  end
  if next(errors) then
    return nil, schema_errors.outline(errors), errors
  end
  return flattening.entities
end

--- The entities and the hash of a text; or nil, the text and the tree of errors.
function declarative.parse_text(text, filename, loaded)
  local tree, err = decode(text, filename)
  if not tree then
    return nil, err, { error = err }
  end
  local entities, errors
  entities, err, errors = declarative.parse_table(tree, loaded)
  if not entities then
    return nil, err, errors
  end
  return entities, nil, nil, ngx.md5(text)
end

function declarative.parse_file(path, loaded)
  local text, err = disk.read(path)
  if not text then
    return nil, err
  end
  return declarative.parse_text(text, path, loaded)
end

return declarative
