-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- What `kong.plugins.base_plugin` is in 2.x (3.0 dropped it): a class whose phases do nothing.

local Base = { is_kong_class = true }
Base.__index = Base

local phases = {
  "init_worker", "certificate", "rewrite", "access", "response", "header_filter", "body_filter",
  "log",
}
for _, phase in ipairs(phases) do
  Base[phase] = function() end
end

function Base:new(name)
  self._name = name
end

local function construct(class, ...)
  local object = setmetatable({}, class)
  object.is_kong_class = false
  object:new(...)
  return object
end

function Base.extend(parent)
  local class = { is_kong_class = true, super = parent }
  class.__index = class
  return setmetatable(class, { __index = parent, __call = construct })
end

return setmetatable(Base, { __call = construct })
