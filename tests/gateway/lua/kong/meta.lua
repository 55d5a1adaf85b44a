-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- Which Kong the stand-in is being. Taken from KONG_STANDIN_VERSION, else from the file the
-- installer left beside this one, else the newest version that was measured.

local known = { ["2.8.5"] = true, ["3.4.2"] = true }
local newest = "3.4.2"

local meta = { _NAME = "kong", known = known }

local function here()
  return debug.getinfo(1, "S").source:match("^@(.*)/[^/]*$") or "."
end

--- The directory that holds `kong/`, for package.path.
function meta.lua_root()
  return (here():gsub("/kong$", ""))
end

local function installed_version()
  local file = io.open(here() .. "/standin_version")
  if not file then
    return nil
  end
  local text = file:read("*l")
  file:close()
  return text
end

function meta.select(version)
  if not known[version] then
    error("the stand-in knows no Kong " .. tostring(version), 0)
  end
  local major, minor, patch = version:match("^(%d+)%.(%d+)%.(%d+)$")
  meta._VERSION = version
  meta.version = version
  meta._VERSION_TABLE = {
    major = tonumber(major), minor = tonumber(minor), patch = tonumber(patch),
  }
  meta._SERVER_TOKENS = "kong/" .. version
  meta.is_2x = major == "2"
end

local wanted = os.getenv("KONG_STANDIN_VERSION")
if wanted == "" then
  wanted = nil
end
meta.select(wanted or installed_version() or newest)

return meta
