// Keeps a run of the agent in a file.
//
// What was kept is written when a turn ends, or when there is a mebibyte of it. Bounds: an answer
// of more than kMaxAnswerBytes is not kept, and counted. Errors: Create fails with the path; a
// write that fails later ends the recording, with what was written being whole, and is logged and
// counted; the agent goes on. Counters: leadline_agent_recording_bytes_total,
// leadline_agent_recording_answers_lost_total. Threading: see Tape.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

#include "agent/record/format.h"
#include "agent/record/tape.h"
#include "prometheus/counter.h"
#include "prometheus/registry.h"

namespace leadline::agent::record {

class Recorder final : public Tape {
 public:
  // Replaces a recording or an empty file that is there, and refuses to replace any other.
  // `registry` must outlive it.
  static absl::StatusOr<std::unique_ptr<Recorder>> Create(const std::string& path,
                                                          const Header& header,
                                                          prometheus::Registry& registry);
  // Writes what is left and says that the recording ends here.
  ~Recorder() override;

  bool replays() const override { return false; }
  void Keep(Topic topic, std::string_view key, std::string_view answer) override;
  std::optional<std::string_view> Recall(Topic, std::string_view) override { return std::nullopt; }
  void Malformed(Topic, std::string_view) override {}
  void EndTurn(int64_t unix_ms) override;

 private:
  Recorder(std::string path, int fd, prometheus::Registry& registry);
  void Flush();
  bool Write(std::string_view bytes);

  const std::string path_;
  int fd_;  // -1 after an error
  BlockWriter blocks_;
  std::string contents_;
  prometheus::Counter& bytes_;
  prometheus::Counter& lost_;
};

}  // namespace leadline::agent::record
