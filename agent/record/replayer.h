// Answers the agent's questions from a recording.
//
// Errors: Open for a file that cannot be read, is no recording or of another version. Later ones
// are in status(): the recording ends within a block, or is damaged; the turns before are whole.
// Bounds: a turn of at most kMaxTurnBytes is in memory. Threading: see Tape.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "agent/record/format.h"
#include "agent/record/tape.h"

namespace leadline::agent::record {

class Replayer final : public Tape {
 public:
  struct Counts {
    uint64_t turns = 0;
    uint64_t answers = 0;
    // By topic: questions without an answer, answers not asked for, answers that are malformed.
    std::map<Topic, uint64_t> unanswered;
    std::map<Topic, uint64_t> unasked;
    std::map<Topic, uint64_t> malformed;
  };

  static absl::StatusOr<std::unique_ptr<Replayer>> Open(const std::string& path);

  bool replays() const override { return true; }
  void Keep(Topic, std::string_view, std::string_view) override {}
  std::optional<std::string_view> Recall(Topic topic, std::string_view key) override;
  void Malformed(Topic topic, std::string_view key) override;
  // Goes on to the next turn.
  void EndTurn(int64_t unix_ms) override;

  const Header& header() const { return blocks_.header(); }
  // True when there is no further turn: whatever is asked has no answer.
  bool at_end() const { return at_end_; }
  // OK while the recording is whole as far as it was read.
  const absl::Status& status() const { return status_; }
  // The recording says itself that it ends where it does.
  bool ended() const { return ended_; }
  const Counts& counts() const { return counts_; }

 private:
  using Key = std::pair<Topic, std::string_view>;

  Replayer(std::string path, std::unique_ptr<const std::string> bytes, BlockReader blocks);
  void LoadTurn();
  void Fail(const absl::Status& status);

  const std::string path_;
  const std::unique_ptr<const std::string> bytes_;
  BlockReader blocks_;
  // Contents of the blocks that the turn is in; the last one goes on with the next turn.
  std::vector<std::unique_ptr<const std::string>> contents_;
  ByteReader rest_{""};
  absl::flat_hash_map<Key, std::deque<std::string_view>> answers_;
  bool at_end_ = false;
  bool ended_ = false;
  absl::Status status_;
  Counts counts_;
};

// The whole of a file; errors have its name.
absl::StatusOr<std::string> ReadRecording(const std::string& path);

}  // namespace leadline::agent::record
