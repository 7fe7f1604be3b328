#include "common/zstd/stream.h"

#include <zstd.h>

#include <algorithm>

#include <fmt/format.h>

namespace leadline::zstd {
namespace {

constexpr size_t kFirstBytes = 16 << 10;
// What a flush adds to the bound of a piece.
constexpr size_t kFlushBytes = 64;

}  // namespace

struct Compressor::Context {
  ~Context() { ZSTD_freeCCtx(zstd); }
  ZSTD_CCtx* const zstd = ZSTD_createCCtx();
};

Compressor::Compressor(int level, int window_log) : context_(std::make_unique<Context>()) {
  ZSTD_CCtx_setParameter(context_->zstd, ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(context_->zstd, ZSTD_c_windowLog, window_log);
}
Compressor::~Compressor() = default;

absl::StatusOr<std::string> Compressor::Flush(std::string_view contents) {
  std::string piece(ZSTD_compressBound(contents.size()) + kFlushBytes, '\0');
  ZSTD_outBuffer out{piece.data(), piece.size(), 0};
  ZSTD_inBuffer in{contents.data(), contents.size(), 0};
  const size_t left = ZSTD_compressStream2(context_->zstd, &out, &in, ZSTD_e_flush);
  if (ZSTD_isError(left)) {
    return absl::InternalError(fmt::format("zstd: {}", ZSTD_getErrorName(left)));
  }
  if (left != 0) return absl::InternalError("zstd: a piece is larger than its bound");
  piece.resize(out.pos);
  return piece;
}

struct Decompressor::Context {
  ~Context() { ZSTD_freeDCtx(zstd); }
  ZSTD_DCtx* const zstd = ZSTD_createDCtx();
};

Decompressor::Decompressor(int max_window_log) : context_(std::make_unique<Context>()) {
  ZSTD_DCtx_setParameter(context_->zstd, ZSTD_d_windowLogMax, max_window_log);
}
Decompressor::Decompressor(Decompressor&&) noexcept = default;
Decompressor::~Decompressor() = default;

absl::StatusOr<std::string> Decompressor::Next(std::string_view piece, size_t max_bytes) {
  std::string contents(std::min(max_bytes, std::max(kFirstBytes, piece.size() * 4)), '\0');
  ZSTD_inBuffer in{piece.data(), piece.size(), 0};
  ZSTD_outBuffer out{contents.data(), contents.size(), 0};
  while (true) {
    const size_t before = in.pos + out.pos;
    const size_t result = ZSTD_decompressStream(context_->zstd, &out, &in);
    if (ZSTD_isError(result)) {
      return absl::DataLossError(fmt::format("zstd: {}", ZSTD_getErrorName(result)));
    }
    // There may be more in it as long as it fills what it is given.
    if (out.pos < out.size) {
      if (in.pos == in.size) break;
      if (in.pos + out.pos == before) return absl::DataLossError("zstd: the piece has no end");
      continue;
    }
    if (contents.size() == max_bytes) {
      char more = 0;
      ZSTD_outBuffer rest{&more, 1, 0};
      const size_t end = ZSTD_decompressStream(context_->zstd, &rest, &in);
      if (!ZSTD_isError(end) && rest.pos == 0 && in.pos == in.size) break;
      return absl::ResourceExhaustedError(
          fmt::format("zstd: a piece of more than {} bytes", max_bytes));
    }
    contents.resize(std::min(max_bytes, contents.size() * 2));
    out.dst = contents.data();
    out.size = contents.size();
  }
  contents.resize(out.pos);
  return contents;
}

}  // namespace leadline::zstd
