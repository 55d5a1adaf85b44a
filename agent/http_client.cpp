// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "agent/http_client.hpp"

#include "agent/durable_file.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/system/system_error.hpp>

#include <sstream>

namespace kongfleet::agent {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using Deadline = std::chrono::steady_clock::time_point;

constexpr std::uint32_t header_max = 64 << 10;
// As much is asked for at once; from an empty buffer Beast asks for 512 bytes. Kong's Admin API
// answers with some 30 KB.
constexpr std::size_t read_bytes = 32 << 10;

std::string plain(const error_code& error) {
  if (error == beast::error::timeout) return "no answer in time";
  if (error == http::error::end_of_stream) return "the connection was closed without an answer";
  if (error == http::error::body_limit) return "the body is larger than we take";
  return error.message();
}

/// One connection with its own loop: each call runs it until that one operation is over. The
/// stream's timer bounds every operation, so that the loop always ends.
class Connection {
public:
  explicit Connection(Deadline deadline) : stream_(io_), deadline_(deadline) {
    buffer_.reserve(read_bytes);
  }

  error_code connect(const asio::ip::tcp::endpoint& to) {
    return run([&](auto done) { stream_.async_connect(to, done); });
  }
  error_code write(const http::request<http::string_body>& request) {
    return run([&](auto done) {
      http::async_write(stream_, request, [done](error_code error, std::size_t) { done(error); });
    });
  }
  error_code read(http::response_parser<http::string_body>& parser) {
    return run([&](auto done) {
      http::async_read(stream_, buffer_, parser,
                       [done](error_code error, std::size_t) { done(error); });
    });
  }

private:
  template <class Start>
  error_code run(Start start) {
    const auto left = deadline_ - std::chrono::steady_clock::now();
    if (left <= std::chrono::steady_clock::duration::zero()) return beast::error::timeout;
    error_code result = asio::error::operation_aborted;
    stream_.expires_after(left);
    start([&result](error_code error) { result = error; });
    io_.restart();
    io_.run();
    return result;
  }

  asio::io_context io_{1};
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  Deadline deadline_;
};

std::string open(Connection& connection, const HostPort& at, const HttpClient& client) {
  const auto address = client.address_of(at.host);
  if (!address)
    return "connect to " + at.text() + ": host '" + at.host +
           "' is neither an address nor in the hosts file";
  const asio::ip::tcp::endpoint endpoint(asio::ip::make_address(*address), at.port);
  const auto error = connection.connect(endpoint);
  return error ? "connect to " + at.text() + ": " + plain(error) : "";
}

HttpResponse taken(http::response<http::string_body> message) {
  HttpResponse response;
  response.status = message.result_int();
  for (const auto& field : message)
    response.headers.emplace_back(field.name_string(), field.value());
  response.body = std::move(message.body());
  return response;
}

http::request<http::string_body> request_of(const HttpQuestion& question) {
  http::request<http::string_body> request;
  request.version(11);
  request.method_string(question.method);
  request.target(question.url.target);
  request.set(http::field::host, question.url.host_header);
  request.set(http::field::user_agent, "kongfleet-agent");
  request.set(http::field::accept, "*/*");
  request.set(http::field::connection, "close");
  for (const auto& [name, value] : question.headers) request.set(name, value);
  if (question.body.empty()) return request;
  request.set(http::field::content_type, "application/json");
  request.body() = question.body;
  request.prepare_payload();
  return request;
}

HttpResult exchange(const HttpClient& client, const HttpQuestion& question, Deadline deadline,
                    std::size_t body_max) {
  const auto& url = question.url;
  Connection connection(deadline);
  if (auto error = open(connection, url.at, client); !error.empty()) return {{}, std::move(error)};
  const auto request = request_of(question);
  const std::string what = question.method + " http://" + url.host_header + url.target + ": ";
  if (const auto error = connection.write(request)) return {{}, what + plain(error)};
  http::response_parser<http::string_body> parser;
  parser.header_limit(header_max);
  parser.body_limit(body_max);
  if (const auto error = connection.read(parser)) return {{}, what + plain(error)};
  return {taken(parser.release()), ""};
}

}  // namespace

bool is_local(const std::string& host) {
  error_code bad;
  const auto address = asio::ip::make_address(host, bad);
  if (bad) return host == "localhost";
  return address.is_loopback() || address.is_unspecified();
}

std::optional<std::string> HttpClient::address_of(const std::string& host) const {
  error_code bad;
  asio::ip::make_address(host, bad);
  if (!bad) return host;
  std::string text;
  if (read_file_if_there(hosts_, text)) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      std::istringstream words(line.substr(0, line.find('#')));
      std::string address;
      std::string name;
      words >> address;
      while (words >> name) {
        asio::ip::make_address(address, bad);
        if (name == host && !bad) return address;
      }
    }
  }
  if (host == "localhost") return "127.0.0.1";
  return std::nullopt;
}

std::string HttpClient::connect(const HostPort& to, Deadline deadline) const {
  try {
    Connection connection(deadline);
    return open(connection, to, *this);
  } catch (const boost::system::system_error& error) {  // no descriptor is left for a loop
    return "connect to " + to.text() + ": " + error.what();
  }
}

HttpResult HttpClient::ask(const HttpQuestion& question, Deadline deadline,
                           std::size_t body_max) const {
  try {
    return exchange(*this, question, deadline, body_max);
  } catch (const boost::system::system_error& error) {
    return {{}, "connect to " + question.url.at.text() + ": " + error.what()};
  }
}

HttpResult HttpClient::get(const HttpUrl& url, Deadline deadline, std::size_t body_max) const {
  HttpQuestion question;
  question.url = url;
  return ask(question, deadline, body_max);
}

}  // namespace kongfleet::agent
