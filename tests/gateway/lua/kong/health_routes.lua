-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- GET /status, on the Admin API and on the Status API; GET /status/ready of 3.4, on the latter.

local declarative_store = require "kong.declarative_store"
local memory = require "kong.memory"
local meta = require "kong.meta"
local node_state = require "kong.node_state"

local health = {}

local function connections()
  local body = ngx.location.capture("/nginx_status").body
  local accepted, handled, total = body:match("requests%s+(%d+) (%d+) (%d+)")
  local var = ngx.var
  return {
    connections_active = tonumber(var.connections_active),
    connections_reading = tonumber(var.connections_reading),
    connections_writing = tonumber(var.connections_writing),
    connections_waiting = tonumber(var.connections_waiting),
    connections_accepted = tonumber(accepted),
    connections_handled = tonumber(handled),
    total_requests = tonumber(total),
  }
end

health.status = {
  ["/status"] = {
    GET = function()
      local answer = { memory = memory.stats(), server = connections() }
      -- 3.x leaves "database" out where there is none.
      if meta.is_2x then
        answer.database = { reachable = true }
      end
      answer.configuration_hash = declarative_store.hash() or ngx.null
      if not meta.is_2x and answer.configuration_hash == ngx.null then
        answer.configuration_hash = nil
      end
      return kong.response.exit(200, answer)
    end,
  },
}

-- Builds are counted in shared memory since its last flush, by all workers together: old and new.
local function not_ready()
  local workers = ngx.worker.count()
  local routers, iterators = node_state.builds("router"), node_state.builds("plugins")
  if routers < workers then
    return ("router builds not yet complete, router ready in %d of %d workers"):format(
      routers, workers)
  elseif iterators < workers then
    return ("plugins iterator builds not yet complete, plugins iterator ready in %d of %d workers")
      :format(iterators, workers)
  end
  local hash = declarative_store.hash()
  if not hash then
    return "no configuration available (configuration hash is not initialized)"
  elseif hash == declarative_store.empty_hash then
    return "no configuration available (empty configuration present)"
  end
  return nil
end

health.ready = {
  ["/status/ready"] = {
    GET = function()
      local reason = not_ready()
      if reason then
        ngx.log(ngx.NOTICE, "not ready for proxying: ", reason)
        return kong.response.exit(503, { message = reason })
      end
      return kong.response.exit(200, { message = "ready" })
    end,
  },
}

return health
