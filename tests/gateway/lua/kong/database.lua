-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- The database that nodes share. There is no PostgreSQL here: where `pg_host` is a directory, one
-- JSON file in it is the database; where it is anything else, connecting fails as Kong does when
-- its database is down. Workers write the file: the directory must be theirs.

local disk = require "kong.disk"
local json = require "kong.json"

local database = {}
local version_key = "database:version"
local kinds = { "services", "routes", "consumers", "keyauth_credentials", "plugins" }

local function directory(conf)
  local host = conf.pg_host
  return type(host) == "string" and host:sub(1, 1) == "/" and disk.is_directory(host) and host
end

function database.connect(conf)
  if conf.database == "off" or directory(conf) then
    return true
  end
  return nil, "[PostgreSQL error] failed to retrieve PostgreSQL server_version_num: " ..
    "connection refused"
end

--- Whether this node has a database.
function database.is_used()
  return kong.configuration.database ~= "off"
end

--- All entities by kind, and how often they were changed; nil when the database is away.
function database.load(conf)
  conf = conf or kong.configuration
  if not directory(conf) then
    return nil
  end
  local saved = json.decode(disk.read(disk.join(directory(conf), "entities.json")) or "{}") or {}
  local entities = saved.entities or {}
  for _, kind in ipairs(kinds) do
    entities[kind] = json.array(entities[kind])
  end
  return entities, saved.version or 0
end

--- Has `edit(entities)` change them, one worker of all nodes at a time. What it returns, or nil
-- when the database is away. A first value of false leaves everything as it was.
function database.change(edit)
  local place = directory(kong.configuration)
  if not place then
    return nil
  end
  local fcntl = require "posix.fcntl"
  local unistd = require "posix.unistd"
  local lock = fcntl.open(disk.join(place, "lock"), fcntl.O_CREAT + fcntl.O_RDWR,
                          tonumber("666", 8))
  if not lock then
    return nil
  end
  fcntl.fcntl(lock, fcntl.F_SETLKW, { l_type = fcntl.F_WRLCK, l_whence = unistd.SEEK_SET,
                                      l_start = 0, l_len = 0 })
  local entities, version = database.load()
  local done, answer = edit(entities)
  if done then
    local path = disk.join(place, "entities.json")
    disk.write(path .. "." .. ngx.worker.pid(), json.encode({ version = version + 1,
                                                               entities = entities }))
    os.rename(path .. "." .. ngx.worker.pid(), path)
    database.note(version + 1)
  end
  unistd.close(lock)
  return done, answer
end

--- The version that this node knows of: what it wrote itself, or what it saw when it last looked,
-- every `db_update_frequency` seconds. Its workers look at that.
function database.note(version)
  ngx.shared.kong_core_db_cache:set(version_key, version)
end

function database.look()
  local _, version = database.load()
  if version then
    database.note(version)
  end
end

function database.known_version()
  return ngx.shared.kong_core_db_cache:get(version_key) or 0
end

return database
