-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- The validators a field may carry (one_of, between, match, …) and the checks that look at
-- several fields of a record at once.

local checks = {}
local null = ngx.null

local function includes(list, value)
  for _, item in ipairs(list) do
    if item == value then
      return true
    end
  end
  return false
end

local function join(list)
  local texts = {}
  for i, item in ipairs(list) do
    texts[i] = tostring(item)
  end
  return table.concat(texts, ", ")
end

local function length(value)
  if type(value) ~= "table" then
    return #value
  end
  local count = 0
  for _ in pairs(value) do
    count = count + 1
  end
  return count
end

local validators = {
  between = function(value, limits)
    return value >= limits[1] and value <= limits[2],
      ("value should be between %d and %d"):format(limits[1], limits[2])
  end,
  eq = function(value, wanted)
    return value == wanted or (wanted == null and value == nil),
      "value must be " .. (wanted == null and "null" or tostring(wanted))
  end,
  ne = function(value, other)
    return value ~= other, "value must not be " .. tostring(other)
  end,
  gt = function(value, limit)
    return value > limit, "value must be greater than " .. limit
  end,
  len_eq = function(value, n)
    return length(value) == n, "length must be " .. n
  end,
  len_min = function(value, n)
    return length(value) >= n, "length must be at least " .. n
  end,
  len_max = function(value, n)
    return length(value) <= n, "length must be at most " .. n
  end,
  match = function(value, pattern)
    return value:match(pattern) ~= nil, "invalid value: " .. tostring(value)
  end,
  not_match = function(value, pattern)
    return value:match(pattern) == nil, "invalid value: " .. tostring(value)
  end,
  match_all = function(value, list)
    for _, entry in ipairs(list) do
      if not value:match(entry.pattern) then
        return false, entry.err or "invalid value: " .. value
      end
    end
    return true
  end,
  match_none = function(value, list)
    for _, entry in ipairs(list) do
      if value:match(entry.pattern) then
        return false, entry.err or "invalid value: " .. value
      end
    end
    return true
  end,
  match_any = function(value, any)
    for _, pattern in ipairs(any.patterns) do
      if value:match(pattern) then
        return true
      end
    end
    return false, any.err or "invalid value: " .. value
  end,
  starts_with = function(value, start)
    return value:sub(1, #start) == start, "should start with: " .. start
  end,
  one_of = function(value, list)
    return includes(list, value), "expected one of: " .. join(list)
  end,
  not_one_of = function(value, list)
    return not includes(list, value), "must not be one of: " .. join(list)
  end,
  contains = function(value, wanted)
    return includes(value, wanted), "expected to contain: " .. tostring(wanted)
  end,
  is_regex = function(value, wanted)
    return not wanted or (pcall(ngx.re.match, "", value) and
      select(2, ngx.re.match("", value)) == nil), "not a valid regex: " .. tostring(value)
  end,
  timestamp = function(value, wanted)
    return not wanted or value > 0, "expected a valid timestamp"
  end,
  uuid = function(value, wanted)
    return not wanted or value:match("^%x+%-%x+%-%x+%-%x+%-%x+$") ~= nil and #value == 36,
      "expected a valid UUID"
  end,
  custom_validator = function(value, check)
    local ok, err = check(value)
    return ok, err or "failed validating: " .. tostring(value)
  end,
}

--- The error of the first validator of `definition` that `value` fails, or nil.
function checks.value(definition, value)
  for name, check in pairs(validators) do
    if definition[name] ~= nil then
      local ok, err = check(value, definition[name])
      if not ok then
        return definition.err or err
      end
    end
  end
  return nil
end

local function field_at(record, path)
  for part in path:gmatch("[^%.]+") do
    if type(record) ~= "table" then
      return nil
    end
    record = record[part]
  end
  if record == null then
    return nil
  end
  return record
end

local function filled(record, names)
  local count = 0
  for _, name in ipairs(names) do
    if field_at(record, name) ~= nil then
      count = count + 1
    end
  end
  return count
end

local function quoted(names)
  local out = {}
  for i, name in ipairs(names) do
    out[i] = "'" .. name .. "'"
  end
  return table.concat(out, ", ")
end

local function matches(rules, value, schema)
  local definition = { type = "any" }
  for key, rule in pairs(rules) do
    definition[key] = rule
  end
  if value == nil and rules.eq == nil then
    return not rules.required
  end
  if value == nil then
    return rules.eq == null
  end
  return schema.validate_value(definition, value) == nil
end

local entity = {
  at_least_one_of = function(names, record)
    return filled(record, names) > 0,
      "at least one of these fields must be non-empty: " .. quoted(names)
  end,
  only_one_of = function(names, record)
    return filled(record, names) == 1,
      "exactly one of these fields must be non-empty: " .. quoted(names)
  end,
  mutually_required = function(names, record)
    local count = filled(record, names)
    return count == 0 or count == #names,
      "all or none of these fields must be set: " .. quoted(names)
  end,
  mutually_exclusive = function(names, record)
    return filled(record, names) <= 1,
      "only one or none of these fields must be set: " .. quoted(names)
  end,
  distinct = function(names, record)
    local seen = {}
    for _, name in ipairs(names) do
      local value = field_at(record, name)
      if value ~= nil and seen[value] then
        return false, "values of these fields must be distinct: " .. quoted(names)
      end
      seen[value == nil and name or value] = true
    end
    return true
  end,
  conditional = function(rule, record, schema)
    if not matches(rule.if_match, field_at(record, rule.if_field), schema) then
      return true
    end
    return matches(rule.then_match, field_at(record, rule.then_field), schema),
      rule.then_err or
      ("failed conditional validation given value of field '%s'"):format(rule.if_field)
  end,
  conditional_at_least_one_of = function(rule, record, schema)
    if not matches(rule.if_match, field_at(record, rule.if_field), schema) then
      return true
    end
    return filled(record, rule.then_at_least_one_of) > 0, rule.then_err or
      "at least one of these fields must be non-empty: " .. quoted(rule.then_at_least_one_of)
  end,
  custom_entity_check = function(rule, record)
    local sources = {}
    for _, name in ipairs(rule.field_sources) do
      sources[name] = field_at(record, name)
    end
    local ok, err = rule.fn(sources, record)
    return ok, err or "entity check failed"
  end,
}

--- The texts of the checks a record fails, or nil.
function checks.entity(list, record, schema)
  local errors = {}
  for _, entry in ipairs(list) do
    local name, rule = next(entry)
    if not entity[name] then
      errors[#errors + 1] = "unknown entity check: " .. tostring(name)
    else
      local ok, err = entity[name](rule, record, schema)
      if not ok then
        errors[#errors + 1] = tostring(err)
      end
    end
  end
  return next(errors) and errors or nil
end

return checks
