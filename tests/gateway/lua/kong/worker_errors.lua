-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- What went wrong in init_worker. The worker serves all the same, and every request says so in
-- the error log.

local errors = {}
local texts = {}

function errors.stash(text)
  texts[#texts + 1] = tostring(text)
  -- A tail call: the log line then names the caller, init_worker().
  return ngx.log(ngx.CRIT, "worker initialization error: ", tostring(text),
                 "; this node must be restarted")
end

function errors.log_for_request(ctx)
  if #texts > 0 and not ctx.KONG_UNSAFE_LOGGED then
    ctx.KONG_UNSAFE_LOGGED = true
    ngx.log(ngx.ALERT, "unsafe request processing due to earlier initialization errors; ",
            "this node must be restarted (", table.concat(texts, ", "), ")")
  end
end

return errors
