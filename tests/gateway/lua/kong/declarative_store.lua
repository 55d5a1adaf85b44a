-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- The declarative configuration all workers share. In 2.8 it lives in shared memory, so it
-- outlives a reload and not a restart; in 3.4 in PREFIX/dbless.lmdb, so it outlives both.
-- (Kong keeps an LMDB there; the stand-in one JSON file.)

local disk = require "kong.disk"
local json = require "kong.json"
local meta = require "kong.meta"

local store = {}
local empty_hash = ("0"):rep(32)
local entities_key, version_key = "declarative:entities", "declarative:version"
local hash_key = "declarative_config:hash"
store.empty_hash = empty_hash

local function shared() return ngx.shared.kong_core_db_cache end

local function file_path()
  return kong.configuration.prefix .. "/dbless.lmdb/data.json"
end

--- Makes `entities` what workers build from. `hash` nil: the empty configuration's.
-- `announce`: workers that already serve must rebuild.
function store.save(entities, hash, announce)
  hash = hash or empty_hash
  local text = json.encode(entities)
  local ok, err = shared():set(entities_key, text)
  if not ok then
    return nil, err
  end
  if meta.is_2x then
    ngx.shared.kong:set(hash_key, hash)
  else
    shared():set(hash_key, hash)
    disk.write(file_path(), json.encode({ version = meta._VERSION, hash = hash, text = text }))
  end
  if announce then
    shared():incr(version_key, 1, 0)
  end
  return true
end

function store.load()
  local text = shared():get(entities_key)
  return text and json.decode(text)
end

--- What an earlier life of the node left on disk, put back into shared memory. 3.4 only.
function store.restore()
  local text = not meta.is_2x and disk.read(file_path())
  local saved = text and json.decode(text)
  if saved and saved.version == meta._VERSION and saved.hash ~= empty_hash then
    shared():set(entities_key, saved.text)
    shared():set(hash_key, saved.hash)
    return true
  end
  return false
end

function store.hash()
  return (meta.is_2x and ngx.shared.kong or shared()):get(hash_key)
end

function store.version()
  return shared():get(version_key) or 0
end

return store
