// SPDX-FileCopyrightText: The kongfleet authors
// SPDX-License-Identifier: Apache-2.0
#include "proto/zstd_stream.hpp"

#include "proto/error.hpp"

#include <zstd.h>

#include <vector>

namespace kongfleet {

namespace {

constexpr int level = 3;
constexpr int window_log_max = 23;  // 8 MiB: a peer cannot make us hold more

std::size_t check(std::size_t code, std::string_view doing) {
  if (ZSTD_isError(code) != 0) throw Error(std::string(doing) + ": " + ZSTD_getErrorName(code));
  return code;
}

}  // namespace

std::string zstd_compress(std::string_view bytes) {
  const std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> context(ZSTD_createCCtx(),
                                                                        ZSTD_freeCCtx);
  check(ZSTD_CCtx_setParameter(context.get(), ZSTD_c_compressionLevel, level), "zstd");
  check(ZSTD_CCtx_setParameter(context.get(), ZSTD_c_checksumFlag, 1), "zstd");
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  out.resize(check(
      ZSTD_compress2(context.get(), out.data(), out.size(), bytes.data(), bytes.size()), "zstd"));
  return out;
}

struct ZstdReader::Context {
  ZSTD_DCtx* raw = ZSTD_createDCtx();
  std::vector<char> out = std::vector<char>(ZSTD_DStreamOutSize());
  Context() = default;
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() { ZSTD_freeDCtx(raw); }
};

ZstdReader::ZstdReader(std::uint64_t expected, Sink sink)
    : context_(std::make_unique<Context>()), expected_(expected), sink_(std::move(sink)) {
  check(ZSTD_DCtx_setParameter(context_->raw, ZSTD_d_windowLogMax, window_log_max), "zstd");
}

ZstdReader::~ZstdReader() = default;

void ZstdReader::feed(std::string_view bytes) {
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  bool full = false;  // more output may wait inside although all input is taken
  while (in.pos < in.size || full) {
    if (ended_) throw Error("compressed content: bytes after its end");
    ZSTD_outBuffer out{context_->out.data(), context_->out.size(), 0};
    const auto left = check(ZSTD_decompressStream(context_->raw, &out, &in), "compressed content");
    if (out.pos > expected_ - produced_) {
      throw Error("compressed content: more than the " + std::to_string(expected_) +
                  " bytes announced");
    }
    produced_ += out.pos;
    if (out.pos > 0) sink_({context_->out.data(), out.pos});
    ended_ = left == 0;
    full = !ended_ && out.pos == out.size;
  }
}

void ZstdReader::finish() const {
  if (!ended_ || produced_ != expected_) {
    throw Error("compressed content: ends after " + std::to_string(produced_) + " of " +
                std::to_string(expected_) + " bytes");
  }
}

}  // namespace kongfleet
