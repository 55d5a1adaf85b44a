-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- Adds and removes headers of the answer.

local ResponseTransformer = { PRIORITY = 800, VERSION = "2.0.0" }

function ResponseTransformer:header_filter(conf)
  for _, name in ipairs(conf.remove.headers) do
    kong.response.clear_header(name)
  end
  for _, pair in ipairs(conf.add.headers) do
    local name, value = pair:match("^([^:]+):%s*(.*)$")
    if name and not kong.response.get_header(name) then
      kong.response.set_header(name, value)
    end
  end
end

return ResponseTransformer
