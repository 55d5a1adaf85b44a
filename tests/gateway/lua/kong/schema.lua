-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- Kong's schema language: is a plugin's schema itself well formed, does a configuration fit it,
-- and what are the defaults. Errors are tables shaped as the input, texts are Kong's.

local checks = require "kong.schema_checks"

local schema = {}
local null = ngx.null

local lua_kinds = {
  string = "string", number = "number", boolean = "boolean", ["function"] = "function",
}
local containers = { array = true, set = true, map = true, record = true }
local type_names = {
  array = true, set = true, map = true, record = true, string = true, number = true,
  integer = true, boolean = true, ["function"] = true, foreign = true, any = true, json = true,
}
local type_errors = {
  array = "expected an array", set = "expected a set", map = "expected a map",
  record = "expected a record", string = "expected a string", number = "expected a number",
  boolean = "expected a boolean", integer = "expected an integer",
  ["function"] = "expected a function",
}

-- Attributes a field may have, and the Lua type each must be of.
local attributes = {
  type = "string", required = "boolean", reference = "string", auto = "boolean",
  unique = "boolean", unique_across_ws = "boolean", on_delete = "string", default = "any",
  abstract = "boolean", generate_admin_api = "boolean", legacy = "boolean",
  immutable = "boolean", err = "string", encrypted = "boolean", referenceable = "boolean",
  between = "table", eq = "any", ne = "any", gt = "number", len_eq = "number",
  len_min = "number", len_max = "number", match = "string", not_match = "string",
  match_all = "table", match_none = "table", match_any = "table", starts_with = "string",
  one_of = "table", not_one_of = "table", contains = "any", is_regex = "boolean",
  timestamp = "boolean", uuid = "boolean", custom_validator = "function",
  mutually_exclusive_subsets = "table", elements = "table", keys = "table", values = "table",
  fields = "table", nilable = "boolean", entity_checks = "table", shorthands = "table",
  shorthand_fields = "table", schema = "table", subschema_key = "string",
  inclusive = "boolean", subschema_error = "string", description = "string",
  transformations = "table", prefix_inferred = "boolean", ["deprecation"] = "table",
}
local schema_attributes = {
  name = "string", primary_key = "table", fields = "table", entity_checks = "table",
  shorthands = "table", shorthand_fields = "table", transformations = "table", check = "function",
  endpoint_key = "string", cache_key = "table", dao = "string", workspaceable = "boolean",
  ttl = "boolean", legacy = "boolean", generate_admin_api = "boolean", supported_partials = "table",
  admin_api_name = "string", admin_api_nested_name = "string", db_export = "boolean",
  table_name = "string",
}
local needs = { array = "elements", set = "elements", map = "values", record = "fields" }

local function one_of_text(set)
  local names = {}
  for name in pairs(set) do
    names[#names + 1] = name
  end
  table.sort(names)
  return "expected one of: " .. table.concat(names, ", ")
end

local validate_field_definition

local function validate_fields_definition(fields)
  local errors
  for i, entry in ipairs(fields) do
    local problem
    if type(entry) ~= "table" then
      problem = "expected a map"
    else
      local name, definition = next(entry)
      if name == nil or next(entry, name) ~= nil then
        problem = "length must be 1"
      elseif type(definition) ~= "table" then
        problem = { [name] = "expected a record" }
      else
        local inner = validate_field_definition(definition)
        problem = inner and { [name] = inner }
      end
    end
    if problem then
      errors = errors or {}
      errors[i] = problem
    end
  end
  return errors
end

function validate_field_definition(definition)
  local errors = {}
  for attribute, value in pairs(definition) do
    local wanted = attributes[attribute]
    if not wanted then
      errors[attribute] = "unknown field"
    elseif wanted ~= "any" and type(value) ~= wanted then
      errors[attribute] = type_errors[wanted] or "expected a record"
    end
  end
  local kind = definition.type
  if kind == nil then
    errors.type = "required field missing"
  elseif not type_names[kind] then
    errors.type = one_of_text(type_names)
  elseif needs[kind] and type(definition[needs[kind]]) ~= "table" then
    errors[needs[kind]] = errors[needs[kind]] or
      ("field of type '%s' must declare '%s'"):format(kind, needs[kind])
  end
  for _, part in ipairs { "elements", "keys", "values" } do
    if type(definition[part]) == "table" then
      errors[part] = validate_field_definition(definition[part])
    end
  end
  if type(definition.fields) == "table" then
    errors.fields = validate_fields_definition(definition.fields)
  end
  return next(errors) and errors or nil
end

--- Errors of a plugin's schema as such; nil when it is well formed.
function schema.validate_definition(definition)
  if type(definition) ~= "table" then
    return { ["@entity"] = { "expected a definition table" } }
  end
  local errors = {}
  for attribute, value in pairs(definition) do
    local wanted = schema_attributes[attribute]
    if not wanted then
      errors[attribute] = "unknown field"
    elseif type(value) ~= wanted then
      errors[attribute] = type_errors[wanted] or "expected a record"
    end
  end
  if definition.name == nil then
    errors.name = "required field missing"
  end
  if type(definition.fields) == "table" then
    errors.fields = validate_fields_definition(definition.fields)
  elseif definition.fields == nil then
    errors.fields = "required field missing"
  end
  return next(errors) and errors or nil
end

local function is_sequence(value)
  local count = 0
  for key in pairs(value) do
    if type(key) ~= "number" then
      return false
    end
    count = count + 1
  end
  return count == #value
end

local function type_problem(definition, value)
  local kind = definition.type
  if containers[kind] then
    if type(value) ~= "table" or
       ((kind == "array" or kind == "set") and not is_sequence(value)) then
      return type_errors[kind]
    end
  elseif kind == "integer" then
    if type(value) ~= "number" or value % 1 ~= 0 then
      return type_errors.integer
    end
  elseif lua_kinds[kind] and type(value) ~= lua_kinds[kind] then
    return type_errors[kind]
  end
  return nil
end

local function validate_items(definition, value)
  local errors = {}
  for i, item in ipairs(value) do
    errors[i] = schema.validate_value(definition, item)
  end
  return next(errors) and errors or nil
end

local function validate_map(definition, value)
  local errors = {}
  for key, item in pairs(value) do
    errors[key] = (definition.keys and schema.validate_value(definition.keys, key)) or
      schema.validate_value(definition.values, item)
  end
  return next(errors) and errors or nil
end

--- The error of one value, or nil.
function schema.validate_value(definition, value)
  if value == nil or value == null then
    if definition.required then
      return "required field missing"
    end
    return nil
  end
  local problem = type_problem(definition, value)
  if problem then
    return problem
  end
  local kind = definition.type
  if kind == "record" then
    problem = schema.validate_record(definition, value)
  elseif kind == "map" then
    problem = validate_map(definition, value)
  elseif kind == "array" or kind == "set" then
    problem = validate_items(definition.elements, value)
  end
  return problem or checks.value(definition, value)
end

local function shorthand_names(definition)
  local names = {}
  for _, list in ipairs { definition.shorthands or {}, definition.shorthand_fields or {} } do
    for _, entry in ipairs(list) do
      names[(next(entry))] = true
    end
  end
  return names
end

--- Errors of a record's fields and entity checks; nil when it fits.
function schema.validate_record(definition, record)
  local errors, known = {}, shorthand_names(definition)
  for _, entry in ipairs(definition.fields) do
    local name, field = next(entry)
    known[name] = true
    errors[name] = schema.validate_value(field, record[name])
  end
  for key in pairs(record) do
    if not known[key] then
      errors[key] = "unknown field"
    end
  end
  if not next(errors) then
    local problems = checks.entity(definition.entity_checks or {}, record, schema)
    if problems then
      errors["@entity"] = problems
    end
  end
  return next(errors) and errors or nil
end

local function copy(value)
  if type(value) ~= "table" then
    return value
  end
  local out = {}
  for key, item in pairs(value) do
    out[key] = copy(item)
  end
  return out
end

--- `record` with the defaults of absent fields, in place; records inside are made.
function schema.fill_defaults(definition, record)
  for _, entry in ipairs(definition.fields) do
    local name, field = next(entry)
    if record[name] == nil and field.default ~= nil then
      record[name] = copy(field.default)
    end
    if field.type == "record" and field.fields then
      if record[name] == nil and field.required then
        record[name] = {}
      end
      if type(record[name]) == "table" then
        schema.fill_defaults(field, record[name])
      end
    end
  end
  return record
end

return schema
