#include "agent/record/replayer.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>
#include <utility>

#include <fmt/format.h>

#include "common/status_macros.h"
#include "common/status_text.h"

namespace leadline::agent::record {
namespace {

absl::Status InFile(const std::string& path, const absl::Status& status) {
  return absl::Status(status.code(), fmt::format("recording {}: {}", path, StatusMessage(status)));
}

}  // namespace

absl::StatusOr<std::string> ReadRecording(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  // Not by iterators: they throw where reading fails, as it does of a directory.
  if (file.peek() != std::ifstream::traits_type::eof()) bytes << file.rdbuf();
  if (!file.is_open() || file.bad() || bytes.fail()) {
    return absl::NotFoundError(
        fmt::format("recording {}: cannot be read: {}", path, std::strerror(errno)));
  }
  return std::move(bytes).str();
}

absl::StatusOr<std::unique_ptr<Replayer>> Replayer::Open(const std::string& path) {
  LL_ASSIGN_OR_RETURN(std::string bytes, ReadRecording(path));
  auto kept = std::make_unique<const std::string>(std::move(bytes));
  auto blocks = BlockReader::Open(*kept);
  if (!blocks.ok()) return InFile(path, blocks.status());
  std::unique_ptr<Replayer> replayer(new Replayer(path, std::move(kept), *std::move(blocks)));
  replayer->LoadTurn();
  return replayer;
}

Replayer::Replayer(std::string path, std::unique_ptr<const std::string> bytes, BlockReader blocks)
    : path_(std::move(path)), bytes_(std::move(bytes)), blocks_(std::move(blocks)) {}

std::optional<std::string_view> Replayer::Recall(Topic topic, std::string_view key) {
  const auto it = answers_.find(Key(topic, key));
  if (it == answers_.end() || it->second.empty()) {
    if (!at_end_) ++counts_.unanswered[topic];
    return std::nullopt;
  }
  const std::string_view answer = it->second.front();
  it->second.pop_front();
  ++counts_.answers;
  return answer;
}

void Replayer::Malformed(Topic topic, std::string_view /*key*/) { ++counts_.malformed[topic]; }

void Replayer::EndTurn(int64_t /*unix_ms*/) {
  for (const auto& [key, left] : answers_) {
    if (!left.empty()) counts_.unasked[key.first] += left.size();
  }
  answers_.clear();
  ++counts_.turns;
  LoadTurn();
}

void Replayer::LoadTurn() {
  if (contents_.size() > 1) contents_.erase(contents_.begin(), contents_.end() - 1);
  size_t turn_bytes = 0;
  while (true) {
    while (const auto entry = TakeEntry(rest_)) {
      if (entry->topic == Topic::kTurn) return;
      if (entry->topic == Topic::kEnd) {
        ended_ = true;
        continue;
      }
      turn_bytes += entry->key.size() + entry->answer.size();
      if (turn_bytes > kMaxTurnBytes) {
        return Fail(absl::ResourceExhaustedError(
            fmt::format("a turn has more than {} bytes", kMaxTurnBytes)));
      }
      answers_[Key(entry->topic, entry->key)].push_back(entry->answer);
    }
    if (!rest_.ok()) return Fail(absl::DataLossError("a block's contents are malformed"));
    auto contents = blocks_.Next();
    if (!contents.ok()) return Fail(contents.status());
    if (!*contents) {
      // What is left belongs to a turn that was not finished.
      answers_.clear();
      at_end_ = true;
      return;
    }
    contents_.push_back(std::make_unique<const std::string>(**std::move(contents)));
    rest_ = ByteReader(*contents_.back());
  }
}

void Replayer::Fail(const absl::Status& status) {
  answers_.clear();
  at_end_ = true;
  status_ = InFile(path_, status);
}

}  // namespace leadline::agent::record
