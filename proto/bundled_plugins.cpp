// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "proto/bundled_plugins.hpp"

#include <algorithm>
#include <iterator>

namespace kongfleet {

namespace {

constexpr std::string_view bundled[] = {
    // clang-format off
    "acl", "acme", "ai-azure-content-safety", "ai-prompt-decorator",
    "ai-prompt-guard", "ai-prompt-template", "ai-proxy", "ai-request-transformer",
    "ai-response-transformer", "aws-lambda", "azure-functions", "basic-auth",
    "bot-detection", "correlation-id", "cors", "datadog",
    "file-log", "grpc-gateway", "grpc-web", "hmac-auth",
    "http-log", "ip-restriction", "jwt", "key-auth",
    "ldap-auth", "loggly", "oauth2", "opentelemetry",
    "post-function", "pre-function", "prometheus", "proxy-cache",
    "rate-limiting", "redirect", "request-size-limiting", "request-termination",
    "request-transformer", "response-ratelimiting", "response-transformer", "serverless-functions",
    "session", "standard-webhooks", "statsd", "syslog",
    "tcp-log", "udp-log", "zipkin",
    // clang-format on
};

}  // namespace

bool is_bundled_plugin(std::string_view name) {
  return std::find(std::begin(bundled), std::end(bundled), name) != std::end(bundled);
}

}  // namespace kongfleet
