-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- Files and directories, for the command line and the master.

local stat = require "posix.sys.stat"
local unistd = require "posix.unistd"
local dirent = require "posix.dirent"

local disk = {}

function disk.exists(path)
  return stat.stat(path) ~= nil
end

function disk.is_directory(path)
  local info = stat.stat(path)
  return info ~= nil and stat.S_ISDIR(info.st_mode) ~= 0
end

function disk.is_socket(path)
  local info = stat.lstat(path)
  return info ~= nil and stat.S_ISSOCK(info.st_mode) ~= 0
end

function disk.read(path)
  local file, err = io.open(path, "rb")
  if not file then
    return nil, err
  end
  local text
  text, err = file:read("*a")
  file:close()
  return text, err
end

function disk.write(path, text)
  local file, err = io.open(path, "wb")
  if not file then
    return nil, err
  end
  local ok
  ok, err = file:write(text)
  file:close()
  return ok, err
end

function disk.join(directory, name)
  return (directory:gsub("/*$", "")) .. "/" .. name
end

--- An absolute path with `.`, `..` and doubled slashes resolved by text, as Kong's loader does.
function disk.absolute(path)
  if path:sub(1, 1) ~= "/" then
    path = unistd.getcwd() .. "/" .. path
  end
  local parts = {}
  for part in path:gmatch("[^/]+") do
    if part == ".." then
      parts[#parts] = nil
    elseif part ~= "." then
      parts[#parts + 1] = part
    end
  end
  return "/" .. table.concat(parts, "/")
end

function disk.make_path(path)
  local made = path:sub(1, 1) == "/" and "" or "."
  for part in path:gmatch("[^/]+") do
    made = made .. "/" .. part
    if not disk.exists(made) then
      local ok, err = stat.mkdir(made, tonumber("755", 8))
      if not ok and not disk.is_directory(made) then
        return nil, err
      end
    end
  end
  return true
end

function disk.names(path)
  local names = {}
  for name in dirent.files(path) do
    if name ~= "." and name ~= ".." then
      names[#names + 1] = name
    end
  end
  table.sort(names)
  return names
end

return disk
