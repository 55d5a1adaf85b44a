-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- The `kong` shared memory: flushed by every init_by_lua, also by one that then fails. Only the
-- node's id and, without a declarative_config, the mark that one was loaded are kept.

local tools = require "kong.tools.utils"

local state = {}
local loaded_key = "declarative_config:loaded"
local counters = {
  router = "readiness_probe:routers_rebuild_counter",
  plugins = "readiness_probe:plugins_iterator_rebuild_counter",
}

function state.flush(conf)
  local shm = ngx.shared.kong
  local kept = { ["kong:node_id"] = shm:get("kong:node_id") }
  if not conf.declarative_config and not conf.declarative_config_string then
    kept[loaded_key] = shm:get(loaded_key)
    kept["declarative_config:hash"] = shm:get("declarative_config:hash")
  end
  shm:flush_all()
  for key, value in pairs(kept) do
    shm:set(key, value)
  end
  shm:flush_expired(0)
  if not shm:get("kong:node_id") then
    math.randomseed(ngx.now() * 1000 + ngx.worker.pid())
    shm:set("kong:node_id", conf.node_id or tools.uuid())
  end
end

function state.note_worker()
  ngx.shared.kong:safe_set("pids:" .. ngx.worker.id(), ngx.worker.pid())
end

--- The workers' pids by position; nil when shared memory knows none.
function state.worker_pids()
  local pids
  for id = 0, ngx.worker.count() - 1 do
    local pid = ngx.shared.kong:get("pids:" .. id)
    if pid then
      pids = pids or {}
      pids[id + 1] = pid
    else
      ngx.log(ngx.ERR, "could not get worker process id for worker #", id, ": not found")
    end
  end
  return pids
end

function state.declarative_loaded() return ngx.shared.kong:get(loaded_key) end
function state.set_declarative_loaded() ngx.shared.kong:safe_set(loaded_key, true) end

--- `what` ("router" or "plugins") was built in one more worker since the last flush.
function state.count_build(what) ngx.shared.kong:incr(counters[what], 1, 0) end
function state.builds(what) return ngx.shared.kong:get(counters[what]) or 0 end

return state
