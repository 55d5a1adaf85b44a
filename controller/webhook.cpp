// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "controller/webhook.hpp"

#include "controller/ssh_file.hpp"
#include "controller/ssh_hash.hpp"
#include "proto/error.hpp"
#include "proto/names.hpp"

#include <curl/curl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <functional>
#include <memory>

namespace kongfleet::controller {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t queue_max = 10'000;  // events; some 10 MB
constexpr int tries_max = 5;
constexpr auto first_pause = 500ms;  // doubled from try to try
constexpr std::size_t secret_max = 4096;

struct FreeCurl {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using Headers = std::unique_ptr<curl_slist, FreeCurl>;

void add(Headers& headers, const std::string& line) {
  auto* longer = curl_slist_append(headers.get(), line.c_str());
  if (longer == nullptr) throw std::bad_alloc();
  [[maybe_unused]] auto* const same = headers.release();
  headers.reset(longer);
}

std::size_t drop(char*, std::size_t size, std::size_t count, void*) { return size * count; }

/// Called about once a second while a request is under way; not 0 ends it.
int look_at_time(void* is_over, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return (*static_cast<std::function<bool()>*>(is_over))() ? 1 : 0;
}

std::string read_secret(const std::filesystem::path& path) {
  auto text = read_whole_file(path, "read secret", secret_max);
  if (!text) throw Error("read secret '" + path.string() + "': there is no such file");
  while (text->ends_with('\n') || text->ends_with('\r')) text->pop_back();
  if (text->empty()) throw Error("read secret '" + path.string() + "': it is empty");
  return *text;
}

std::string hmac_hex(const std::string& secret, const std::string& body) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  ::HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
         reinterpret_cast<const unsigned char*>(body.data()), body.size(), digest, &length);
  return hex_encoded({reinterpret_cast<const char*>(digest), length});
}

}  // namespace

Webhook::Webhook(const FleetWebhook& settings, std::string run)
    : settings_(settings), run_(std::move(run)) {
  if (!settings_.secret_file.empty()) secret_ = read_secret(settings_.secret_file);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  thread_ = std::thread([this] { work(); });
}

Webhook::~Webhook() {
  if (thread_.joinable()) finish(0ms);
}

void Webhook::post(std::string body) {
  const std::lock_guard lock(mutex_);
  if (queue_.size() == queue_max) {
    ++lost_;
    why_ = "more events than could be delivered";
    return;
  }
  queue_.push_back(std::move(body));
  news_.notify_one();
}

std::string Webhook::finish(std::chrono::milliseconds limit) {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
    until_ = Clock::now() + (hurried_ ? 0ms : limit);
    news_.notify_one();
  }
  thread_.join();
  lost_ += queue_.size();
  if (lost_ == 0) return "";
  return "webhook: " + std::to_string(lost_) + " events were not delivered" +
         (why_.empty() ? "" : ": " + why_);
}

void Webhook::hurry() {
  const std::lock_guard lock(mutex_);
  hurried_ = true;
  if (closing_) until_ = Clock::now();
  news_.notify_one();
}

void Webhook::work() {
  for (std::size_t number = 1;; ++number) {
    std::string body;
    {
      std::unique_lock lock(mutex_);
      news_.wait(lock, [this] { return closing_ || !queue_.empty(); });
      if (queue_.empty() || Clock::now() >= until_) return;
      body = std::move(queue_.front());
      queue_.pop_front();
    }
    deliver(body, number);
  }
}

void Webhook::deliver(const std::string& body, std::size_t number) {
  std::chrono::milliseconds pause = first_pause;
  std::string failure;
  for (int tries = 0; tries < tries_max; ++tries) {
    bool again = false;
    failure = attempt(body, number, again);
    if (failure.empty()) return;
    if (!again || !wait(pause)) break;
    pause *= 2;
  }
  const std::lock_guard lock(mutex_);
  ++lost_;
  why_ = failure;
}

// Not sleep: whoever closes this sets an end to it.
bool Webhook::wait(std::chrono::milliseconds pause) {
  const auto end = Clock::now() + pause;
  std::unique_lock lock(mutex_);
  while (Clock::now() < std::min(end, until_)) news_.wait_until(lock, std::min(end, until_));
  return Clock::now() < until_;
}

std::chrono::milliseconds Webhook::time_left() {
  const std::lock_guard lock(mutex_);
  if (until_ == Clock::time_point::max()) return settings_.timeout;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until_ - Clock::now());
  return std::clamp<std::chrono::milliseconds>(left, 1ms, settings_.timeout);
}

std::string Webhook::attempt(const std::string& body, std::size_t number, bool& again) {
  const std::unique_ptr<CURL, FreeCurl> curl(curl_easy_init());
  if (!curl) return "out of memory";
  Headers headers;
  add(headers, "Content-Type: application/json");
  add(headers, "Expect:");
  add(headers, "X-Kongfleet-Delivery: " + run_ + "/" + std::to_string(number));
  if (!secret_.empty()) {
    add(headers, "X-Kongfleet-Signature: sha256=" + hmac_hex(secret_, body));
  }
  char said[CURL_ERROR_SIZE] = "";
  curl_easy_setopt(curl.get(), CURLOPT_URL, settings_.url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, drop);
  curl_easy_setopt(curl.get(), CURLOPT_ERRORBUFFER, said);
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);  // another thread handles signals
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, static_cast<long>(time_left().count()));
  // One that is under way when an end is set to all ends then too.
  std::function<bool()> is_over = [this] {
    const std::lock_guard lock(mutex_);
    return Clock::now() >= until_;
  };
  curl_easy_setopt(curl.get(), CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFOFUNCTION, look_at_time);
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFODATA, &is_over);
  curl_easy_setopt(curl.get(), CURLOPT_QUICK_EXIT, 1L);  // a name server that is silent, too
  curl_easy_setopt(curl.get(), CURLOPT_USERAGENT, "kongfleet/" KONGFLEET_VERSION);
  const auto result = curl_easy_perform(curl.get());
  if (result != CURLE_OK) {
    again = true;
    return printable(said[0] != '\0' ? said : curl_easy_strerror(result), 300);
  }
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  if (status >= 200 && status < 300) return "";
  again = status == 408 || status == 429 || status >= 500;
  return "it answered " + std::to_string(status);
}

}  // namespace kongfleet::controller
