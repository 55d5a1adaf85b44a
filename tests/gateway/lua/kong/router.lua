-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- Finds the route of a request: by methods, hosts, headers and paths; the route that asks for
-- more wins, then regex paths, then the longest path.

local Router = {}
Router.__index = Router

local function is_regex(path)
  return path:sub(1, 1) == "~" or path:find("[^%w%.%-_~/%%]") ~= nil
end

local function categories(route)
  local count = 0
  for _, field in ipairs { "methods", "hosts", "paths", "headers", "snis" } do
    if type(route[field]) == "table" and next(route[field]) ~= nil then
      count = count + 1
    end
  end
  return count
end

local function longest(route)
  local length = 0
  for _, path in ipairs(route.paths or {}) do
    length = math.max(length, #path + (is_regex(path) and 100000 or 0))
  end
  return length
end

function Router.new(entities)
  local services, routes = {}, {}
  for _, service in ipairs(entities.services or {}) do
    services[service.id] = service
  end
  for i, route in ipairs(entities.routes or {}) do
    routes[i] = {
      route = route,
      service = type(route.service) == "table" and services[route.service.id] or nil,
      categories = categories(route), length = longest(route), position = i,
    }
  end
  table.sort(routes, function(a, b)
    if a.categories ~= b.categories then
      return a.categories > b.categories
    elseif a.length ~= b.length then
      return a.length > b.length
    end
    return a.position < b.position
  end)
  return setmetatable({ routes = routes }, Router)
end

local function listed(list, value)
  for _, item in ipairs(list) do
    if item == value then
      return true
    end
  end
  return false
end

local function host_matches(hosts, host)
  for _, pattern in ipairs(hosts) do
    local lua = "^" .. pattern:gsub("[%.%-]", "%%%0"):gsub("%*", ".*") .. "$"
    if host:match(lua) then
      return true
    end
  end
  return false
end

-- How much of the path the route's own path covers; nil when none of them fits.
local function covered(paths, path)
  local best
  for _, candidate in ipairs(paths) do
    local length
    if is_regex(candidate) then
      local from, to = ngx.re.find(path, "^(?:" .. candidate:gsub("^~", "") .. ")", "jo")
      length = from and to
    elseif path:sub(1, #candidate) == candidate then
      length = #candidate
    end
    if length and (not best or length > best) then
      best = length
    end
  end
  return best
end

local function headers_match(wanted, headers)
  for name, values in pairs(wanted) do
    if not listed(values, headers[name]) then
      return false
    end
  end
  return true
end

--- The route, its service and the length of the path it covers; nil when there is none.
function Router:match(method, host, path, headers)
  for _, entry in ipairs(self.routes) do
    local route = entry.route
    local length = 0
    local fits = entry.categories > 0
      and (type(route.methods) ~= "table" or listed(route.methods, method))
      and (type(route.hosts) ~= "table" or host_matches(route.hosts, host))
      and (type(route.headers) ~= "table" or headers_match(route.headers, headers))
    if fits and type(route.paths) == "table" then
      length = covered(route.paths, path)
      fits = length ~= nil
    end
    if fits then
      return route, entry.service, length
    end
  end
  return nil
end

return Router
