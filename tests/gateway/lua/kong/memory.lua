-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- Each worker's Lua memory, noted in shared memory now and then. A failed reload flushes it, so
-- /status mostly answers an empty list after one.

local json = require "kong.json"

local memory = {}
local seconds_between = 10
local noted_at = -seconds_between

local function key(pid)
  return "kong:mem:" .. pid
end

function memory.note(force)
  local now = ngx.now()
  if force or now - noted_at >= seconds_between then
    noted_at = now
    ngx.shared.kong:set(key(ngx.worker.pid()), collectgarbage("count"))
  end
end

local function mebibytes(bytes)
  return ("%.2f MiB"):format(bytes / 1024 / 1024)
end

function memory.stats()
  local shm = ngx.shared.kong
  local vms = json.array()
  for _, name in ipairs(shm:get_keys()) do
    local pid = name:match("^kong:mem:(%d+)$")
    local kibibytes = pid and shm:get(name)
    if kibibytes then
      vms[#vms + 1] = { pid = tonumber(pid), http_allocated_gc = mebibytes(kibibytes * 1024) }
    end
  end
  local dictionaries = {}
  for name, dictionary in pairs(ngx.shared) do
    local capacity = dictionary:capacity()
    dictionaries[name] = {
      capacity = mebibytes(capacity),
      allocated_slabs = mebibytes(capacity - dictionary:free_space()),
    }
  end
  return { workers_lua_vms = vms, lua_shared_dicts = dictionaries }
end

return memory
