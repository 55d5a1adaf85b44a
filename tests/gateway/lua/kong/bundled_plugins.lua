-- SPDX-FileCopyrightText: The kongfleet authors
-- SPDX-License-Identifier: Apache-2.0
-- What `bundled` stands for. Kong brings about forty; the stand-in these.

return { "correlation-id", "cors", "key-auth", "request-termination", "response-transformer" }
