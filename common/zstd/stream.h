// Pieces of one zstd stream (RFC 8878): each is flushed, so that it can be read when it is there,
// and costs what it has not in common with those before it, as far as the window goes back.
//
// Units: a window of 2^window_log bytes. Bounds: memory is the window and at most 2 MiB on either
// side; a piece's contents are at most what the caller allows. Errors: DATA_LOSS for what is no
// such stream or needs a larger window, RESOURCE_EXHAUSTED for larger contents; the stream cannot
// be used after one. Not synchronized.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace leadline::zstd {

class Compressor {
 public:
  Compressor(int level, int window_log);
  ~Compressor();

  // The next piece.
  absl::StatusOr<std::string> Flush(std::string_view contents);

 private:
  struct Context;
  const std::unique_ptr<Context> context_;
};

class Decompressor {
 public:
  explicit Decompressor(int max_window_log);
  Decompressor(Decompressor&&) noexcept;
  ~Decompressor();

  // The contents of the next piece.
  absl::StatusOr<std::string> Next(std::string_view piece, size_t max_bytes);

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

}  // namespace leadline::zstd
