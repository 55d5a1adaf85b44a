-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- Services, routes, plugins and consumers of the Admin API. Without a database they can only be
-- read. Answers are those of Kong 2.8.5 with PostgreSQL 15, and without a database.

local api_routes = require "kong.api_routes"
local database = require "kong.database"
local declarative = require "kong.declarative"
local json = require "kong.json"
local runloop = require "kong.runloop"
local schema_errors = require "kong.schema_errors"
local tools = require "kong.tools.utils"

local admin = {}
local singular = { services = "service", routes = "route", consumers = "consumer" }

local function unexpected()
  return kong.response.exit(500, { message = "An unexpected error occurred" })
end

local function not_found()
  return kong.response.exit(404, { message = "Not found" })
end

local function unsupported(verb, kind, field)
  return kong.response.exit(405, {
    message = ("cannot %s '%s' entities %swhen not using a database"):format(
      verb, kind, field and ("by '%s' "):format(field) or ""),
    name = "operation unsupported", code = 12,
  })
end

--- What there is, as this node serves it or as the database has it; nil when that is away.
function admin.entities()
  if database.is_used() then
    return (database.load())
  end
  return runloop.entities or {}
end

local function find(list, id)
  for i, entity in ipairs(list or {}) do
    if entity.id == id or entity.name == id or entity.username == id then
      return entity, i
    end
  end
  return nil
end

local function has_tags(entity, wanted)
  local tags = type(entity.tags) == "table" and entity.tags or {}
  for tag in wanted:gmatch("[^,]+") do
    local found = false
    for _, one in ipairs(tags) do
      found = found or one == tag
    end
    if not found then
      return false
    end
  end
  return true
end

local function list(kind, self)
  local all = admin.entities()
  if not all then
    return unexpected()
  end
  local wanted, data = self.req.params_get.tags, json.array()
  for _, entity in ipairs(all[kind] or {}) do
    if type(wanted) ~= "string" or has_tags(entity, wanted) then
      data[#data + 1] = entity
    end
  end
  return kong.response.exit(200, { data = data, next = ngx.null })
end

local function insert(kind, entity, loaded, parent_kind, parent_id)
  local status, body
  local reached = database.change(function(all)
    if parent_kind then
      local parent = find(all[parent_kind], parent_id)
      if not parent then
        status, body = 404, { message = "Not found" }
        return false
      end
      entity[singular[parent_kind]] = { id = parent.id }
    end
    local problems = declarative.check(kind, entity, loaded)
    if problems then
      local message = schema_errors.violation(problems):gsub("^%[off%] ", "")
      status, body = 400, { code = 2, name = "schema violation", message = message,
                            fields = problems }
      return false
    elseif kind ~= "plugins" and entity.name and find(all[kind], entity.name) then
      status, body = 409, { code = 5, name = "unique constraint violation",
        message = ("UNIQUE violation detected on '{name=%q}'"):format(entity.name),
        fields = { name = entity.name } }
      return false
    end
    entity.id = tools.uuid()
    entity.created_at = ngx.time()
    table.insert(all[kind], entity)
    status, body = 201, entity
    return true
  end)
  if reached == nil then
    return unexpected()
  end
  return kong.response.exit(status, body)
end

local function create(kind, loaded, parent_kind)
  return function(self)
    local parent_id = self.params.id
    if not database.is_used() then
      if parent_kind and not find(admin.entities()[parent_kind], parent_id) then
        return not_found()
      end
      return unsupported("create", kind)
    end
    self.params.id = nil
    local answer = insert(kind, self.params, loaded(), parent_kind, parent_id)
    runloop.refresh(loaded())
    return answer
  end
end

local function refers(entity, field, id)
  return type(entity[field]) == "table" and entity[field].id == id
end

-- A service that has routes stays; plugins go with what they are on.
local function delete(kind, all, id)
  local entity, position = find(all[kind], id)
  if not entity then
    return false
  end
  for _, route in ipairs(kind == "services" and all.routes or {}) do
    if refers(route, "service", entity.id) then
      return false, { code = 4, name = "foreign key violation",
        message = "an existing 'routes' entity references this 'services' entity",
        fields = { ["@referenced_by"] = "routes" } }
    end
  end
  table.remove(all[kind], position)
  for i = #all.plugins, 1, -1 do
    if singular[kind] and refers(all.plugins[i], singular[kind], entity.id) then
      table.remove(all.plugins, i)
    end
  end
  return true
end

local function remove(kind, loaded)
  return function(self)
    if not database.is_used() then
      local entity = find(admin.entities()[kind], self.params.id)
      if entity then
        return unsupported("remove", kind, entity.name == self.params.id and "name" or nil)
      end
      return kong.response.exit(204)
    end
    local reached, problem = database.change(function(all)
      return delete(kind, all, self.params.id)
    end)
    if reached == nil then
      return unexpected()
    elseif problem then
      return kong.response.exit(400, problem)
    end
    runloop.refresh(loaded())
    return kong.response.exit(204)
  end
end

--- Adds the routes. `loaded()` are the worker's plugins.
function admin.attach(routes, loaded)
  for _, kind in ipairs { "services", "routes", "plugins", "consumers" } do
    local function single(self)
      local all = admin.entities()
      if not all then
        return unexpected()
      end
      local entity = find(all[kind], self.params.id)
      return entity and kong.response.exit(200, entity) or not_found()
    end
    api_routes.attach(routes, {
      ["/" .. kind] = {
        GET = function(self) return list(kind, self) end, POST = create(kind, loaded),
      },
      ["/" .. kind .. "/:id"] = { GET = single, DELETE = remove(kind, loaded) },
    })
  end
  api_routes.attach(routes, {
    ["/services/:id/routes"] = { POST = create("routes", loaded, "services") },
    ["/services/:id/plugins"] = { POST = create("plugins", loaded, "services") },
    ["/routes/:id/plugins"] = { POST = create("plugins", loaded, "routes") },
  })
end

return admin
