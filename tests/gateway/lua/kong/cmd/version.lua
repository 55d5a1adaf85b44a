-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- `kong version`.

local meta = require "kong.meta"

return {
  lapp = [[
Usage: kong version [OPTIONS]

Print Kong's version. With the -a option, will print
the version of all underlying dependencies.

Options:
 -a,--all         get version of all dependencies
]],
  execute = function(args)
    if args.all then
      print("Kong: " .. meta._VERSION .. "\nLua: " .. jit.version)
    else
      print(meta._VERSION)
    end
  end,
}
