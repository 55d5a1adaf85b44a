-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
--
-- GET / of a host's Admin API: what its master accepted last, and who serves. `host` is a directory
-- with two links: `home`, the host's own; `proc`, its /proc.
local cjson = require "cjson"

local function read(name)
  local file = io.open(name)
  if not file then return "" end
  local text = file:read "*a"
  file:close()
  return text
end

-- Kong with all its plugins answers with 40 KB, and the agent reads all of them.
local filling = {}
for number = 1, 400 do
  filling[("setting_%03d"):format(number)] = ("x"):rep(80)
end

return function(host)
  local path, plugins = read(host .. "/home/prefix/serving"):match "^([^\n]*)\n([^\n]*)"
  local master = tonumber(read(host .. "/home/prefix/pids/nginx.pid"))
  if not path or not master then
    ngx.exit(500)
  end
  local list, workers = {}, {}
  for name in plugins:gmatch "[^,%s]+" do list[#list + 1] = name end
  for pid in read(("%s/proc/%d/task/%d/children"):format(host, master, master)):gmatch "%d+" do
    if read(("%s/proc/%s/cmdline"):format(host, pid)):find("^nginx: worker process%z") then
      workers[#workers + 1] = tonumber(pid)
    end
  end
  local configuration = { lua_package_path = path, plugins = list }
  for key, value in pairs(filling) do configuration[key] = value end
  ngx.print(cjson.encode {
    version = "3.4.2", configuration = configuration, pids = { master = master, workers = workers },
  })
end
