#include "agent/export/message_compressor.h"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>

namespace leadline::agent {
namespace {

// Measured in docs/adr/0066: the next levels cost more CPU and gain little.
constexpr int kLevel = 1;

}  // namespace

MessageCompressor::MessageCompressor(int window_log) {
  stream_.emplace(kLevel, std::min(window_log, kMostWindowLog));
}

const v1::AgentMessage& MessageCompressor::Compress(const v1::AgentMessage& message) {
  if (!stream_) return message;
  message.SerializeToString(&plain_);
  auto piece = stream_->Flush(plain_);
  if (!piece.ok()) {
    spdlog::error("messages are sent as they are: {}", piece.status().ToString());
    stream_.reset();
    return message;
  }
  compressed_.set_compressed(*std::move(piece));
  return compressed_;
}

}  // namespace leadline::agent
