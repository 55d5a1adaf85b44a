-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- Kong's init_by_lua takes its time, and tools that ask too early see the old state. The stand-in
-- takes as long as a Kong on an idle machine; KONG_STANDIN_PACE=0.1 in the master's environment
-- makes it ten times as fast.

local time = require "posix.time"
local meta = require "kong.meta"

-- Seconds from the signal to the flush of shared memory, and from there to the new workers.
local seconds = meta.is_2x and { before_flush = 0.06, after_flush = 0.25 }
  or { before_flush = 0.45, after_flush = 0.4 }

return function(stage)
  local wait = seconds[stage] * (tonumber(os.getenv("KONG_STANDIN_PACE") or "") or 1)
  local whole = math.floor(wait)
  time.nanosleep({ tv_sec = whole, tv_nsec = math.floor((wait - whole) * 1e9) })
end
