-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- Which plugins run for a request, in which order, each with which configuration.

local meta = require "kong.meta"
local plugin_loader = require "kong.plugin_loader"

local Iterator = {}
Iterator.__index = Iterator

-- The more an entity is bound to, the more it counts: route+service+consumer first, global last.
local weights = { consumer = 4, route = 3, service = 1 }

local function before(a, b)
  local left, right = a.handler.PRIORITY or 0, b.handler.PRIORITY or 0
  if left ~= right then
    return left > right
  end
  if meta.is_2x then
    return a.name < b.name
  end
  return a.name > b.name
end

--- All loaded plugins, the highest PRIORITY first.
local function sorted(plugins)
  local list = {}
  for _, plugin in pairs(plugins) do
    list[#list + 1] = plugin
  end
  table.sort(list, before)
  return list
end

--- nil and Kong's error text when an entity uses a plugin that is not in `plugins`.
function Iterator.new(entities, loaded)
  local bindings = {}
  for _, entity in ipairs(entities.plugins or {}) do
    if not loaded[entity.name] then
      return nil, entity.name .. " plugin is in use but not enabled"
    end
    if entity.enabled ~= false then
      local weight = 0
      for field, value in pairs(weights) do
        if type(entity[field]) == "table" then
          weight = weight + value
        end
      end
      bindings[entity.name] = bindings[entity.name] or {}
      table.insert(bindings[entity.name], { weight = weight, entity = entity })
    end
  end
  for _, list in pairs(bindings) do
    table.sort(list, function(a, b) return a.weight > b.weight end)
  end
  return setmetatable({ order = sorted(loaded), bindings = bindings }, Iterator)
end

local function applies(entity, ctx)
  local bound = {
    service = ctx.service, route = ctx.route, consumer = ctx.authenticated_consumer,
  }
  for field in pairs(weights) do
    local wanted = entity[field]
    if type(wanted) == "table" and (not bound[field] or bound[field].id ~= wanted.id) then
      return false
    end
  end
  return true
end

--- The configuration of plugin `name` for this request, or nil when it does not run.
function Iterator:configuration(name, ctx)
  for _, binding in ipairs(self.bindings[name] or {}) do
    if applies(binding.entity, ctx) then
      return binding.entity.config or {}
    end
  end
  return nil
end

--- Plugins with a global entity, for phases before a route is known or when there is none.
function Iterator:globals(phase)
  local list = {}
  for _, plugin in ipairs(self.order) do
    for _, binding in ipairs(self.bindings[plugin.name] or {}) do
      if binding.weight == 0 and plugin_loader.implements(plugin.handler, phase) then
        list[#list + 1] = { plugin = plugin, configuration = binding.entity.config or {} }
        break
      end
    end
  end
  return list
end

return Iterator
