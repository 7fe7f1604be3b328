// Compresses the messages of a session, one zstd stream over all of them.
//
// Bounds: memory for a window of at most 2^kMostWindowLog bytes and zstd's tables. Errors: none; a
// message that cannot be compressed is sent as it is, and so are those after it. Not synchronized.
#pragma once

#include <optional>
#include <string>

#include "common/zstd/stream.h"
#include "leadline/v1/ingest.pb.h"

namespace leadline::agent {

class MessageCompressor {
 public:
  static constexpr int kMostWindowLog = 20;

  // What the collector's Welcome allows.
  explicit MessageCompressor(int window_log);

  // What to send for it; valid until the next call.
  const v1::AgentMessage& Compress(const v1::AgentMessage& message);

 private:
  std::optional<zstd::Compressor> stream_;
  std::string plain_;
  v1::AgentMessage compressed_;
};

}  // namespace leadline::agent
