-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- The Status API, on status_listen. Built by the first request of each worker.

local api_routes = require "kong.api_routes"
local health_routes = require "kong.health_routes"
local meta = require "kong.meta"

local routes = {}
api_routes.attach(routes, health_routes.status)
if not meta.is_2x then
  api_routes.attach(routes, health_routes.ready)
end
api_routes.attach_plugins(routes, kong.configuration.loaded_plugins, "status_api")

return {
  serve = function()
    return api_routes.serve(routes)
  end,
}
