-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0

local typedefs = require "kong.db.schema.typedefs"

local headers = {
  type = "record", required = true,
  fields = {
    { headers = { type = "array", default = {}, elements = { type = "string" } } },
  },
}

return {
  name = "response-transformer",
  fields = {
    { protocols = typedefs.protocols_http },
    { config = { type = "record", fields = { { add = headers }, { remove = headers } } } },
  },
}
