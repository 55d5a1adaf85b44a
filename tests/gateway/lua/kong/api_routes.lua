-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- A small router for the Admin and Status APIs. Routes have the shape of a plugin's api.lua:
-- `["/plugins/:name"] = { GET = function(self) … }`.

local json = require "kong.json"
local plugin_loader = require "kong.plugin_loader"

local api_routes = {}

local function compile(pattern)
  local names = {}
  local lua = pattern:gsub("[%.%-]", "%%%0"):gsub(":([%w_]+)", function(name)
    names[#names + 1] = name
    return "([^/]+)"
  end)
  return { lua = "^" .. lua .. "/?$", names = names }
end

--- Adds the routes of a table; what is no table of handlers in it is left out.
function api_routes.attach(routes, more)
  for pattern, handlers in pairs(more) do
    if type(handlers) == "table" then
      routes[#routes + 1] = {
        pattern = pattern, compiled = compile(pattern), handlers = handlers.methods or handlers,
      }
    end
  end
  -- The more literal a path is, the earlier it is tried.
  table.sort(routes, function(a, b)
    if #a.compiled.names ~= #b.compiled.names then
      return #a.compiled.names < #b.compiled.names
    end
    return a.pattern < b.pattern
  end)
end

--- Adds what the listed plugins bring as `api` or `status_api`. Errors of theirs are thrown.
function api_routes.attach_plugins(routes, plugins, module)
  for name in pairs(plugins) do
    local found, more = plugin_loader.require_if_exists("kong.plugins." .. name .. "." .. module)
    if found then
      api_routes.attach(routes, more)
    end
  end
end

local function parameters()
  local params = ngx.req.get_uri_args()
  local kind = ngx.req.get_headers()["Content-Type"] or ""
  if type(kind) == "string" and ngx.req.get_method() ~= "GET" then
    local body = kong.request.get_raw_body()
    if kind:find("application/json", 1, true) then
      for key, value in pairs(json.decode(body) or {}) do
        params[key] = value
      end
    elseif kind:find("urlencoded", 1, true) then
      for key, value in pairs(ngx.decode_args(body)) do
        params[key] = value
      end
    end
  end
  return params
end

local function find(routes, path)
  for _, route in ipairs(routes) do
    local captures = { path:match(route.compiled.lua) }
    if captures[1] then
      return route, captures
    end
  end
  return nil
end

function api_routes.serve(routes)
  local path = ngx.var.request_uri:match("^[^?]*")
  local method = ngx.req.get_method()
  local route, captures = find(routes, path)
  if not route then
    return kong.response.exit(404, { message = "Not found" })
  end
  local handler = route.handlers[method] or (method == "HEAD" and route.handlers.GET)
  if not handler then
    return kong.response.exit(405, { message = "Method not allowed" })
  end
  local self = { params = parameters(), req = { params_get = ngx.req.get_uri_args() } }
  for i, name in ipairs(route.compiled.names) do
    self.params[name] = ngx.unescape_uri(captures[i])
  end
  if type(route.handlers.before) == "function" then
    route.handlers.before(self, kong.db, {})
  end
  local answer = handler(self, kong.db, {})
  if type(answer) == "table" and not ngx.headers_sent then
    return kong.response.exit(answer.status or 200, answer.json or answer)
  end
end

return api_routes
