// What the agent learns from outside, kept so that a run can be run again.
//
//   return Taped(Topic::kInode, path, [&] { return Stat(path); });
//
// Every question that the pipeline asks of the kernel, of the node's files and of the Kubernetes
// API goes through Taped (or TapedRows). Without a tape that is the question itself. With a
// Recorder the answer is kept as well; with a Replayer the answer is the one of then, and nothing
// is asked. Answers belong to a turn: one round of the agent's main loop. Within a turn an answer
// is found by topic and key, so that the order of questions, which depends on hash tables, does
// not matter; of one key they come in the order of then. A question that was not asked then has
// the answer `missing`, and is counted.
//
// A new source needs one thing: that what it gives goes through Taped, with Fields (archive.h) for
// its structs.
//
// Threading: a tape belongs to the thread that has it in force, by ScopedTape; other threads have
// none. What they learn is kept where that thread takes it from them. Views in an answer are valid
// until the turn ends. Bounds: kMaxAnswerBytes, kMaxTurnBytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "agent/record/archive.h"

namespace leadline::agent::record {

// Numbers are in recordings: never used again.
enum class Topic : uint8_t {
  kTurn = 1,   // of the recording itself: the turn ends; answer: its time
  kEnd = 2,    // of the recording itself: nothing follows
  kRun = 3,    // how the agent was started
  kClock = 4,  // by clock
  kWait = 5,   // what woke the main loop
  kFile = 6,   // by path
  kDirectory = 7,
  kInode = 8,
  kFilesystem = 9,
  kHost = 10,        // uname and the like, by name
  kProbe = 11,       // what the kernel's maps and rings had, by name
  kKubernetes = 12,  // what the watchers handed over, by name
  kRuntime = 13,     // what a container runtime calls a container, by its id
};
// "file"; "topic 99" for a number that is not known here.
std::string TopicName(Topic topic);

inline constexpr size_t kMaxAnswerBytes = 64 << 20;
inline constexpr size_t kMaxTurnBytes = 1 << 30;

class Tape {
 public:
  virtual ~Tape() = default;

  // Whether answers are those of a recording.
  virtual bool replays() const = 0;
  virtual void Keep(Topic topic, std::string_view key, std::string_view answer) = 0;
  // nullopt, and counted, when the recording has none (left).
  virtual std::optional<std::string_view> Recall(Topic topic, std::string_view key) = 0;
  // The answer of a recording is not as its topic has it.
  virtual void Malformed(Topic topic, std::string_view key) = 0;
  // After each round of the main loop.
  virtual void EndTurn(int64_t unix_ms) = 0;

  // Of this thread; nullptr when there is none.
  static Tape* Current();
};

// Puts a tape in force in this thread. nullptr: none.
class ScopedTape {
 public:
  explicit ScopedTape(Tape* tape);
  ~ScopedTape();
  ScopedTape(const ScopedTape&) = delete;
  ScopedTape& operator=(const ScopedTape&) = delete;

 private:
  Tape* const before_;
};

template <typename Ask, typename T = std::invoke_result_t<Ask>>
T Taped(Topic topic, std::string_view key, Ask ask, std::type_identity_t<T> missing = T{}) {
  Tape* tape = Tape::Current();
  if (tape == nullptr) return ask();
  if (!tape->replays()) {
    T answer = ask();
    std::string bytes;
    ArchiveWriter(bytes).Put(answer);
    tape->Keep(topic, key, bytes);
    return answer;
  }
  const auto bytes = tape->Recall(topic, key);
  if (!bytes) return missing;
  T answer{};
  ArchiveReader reader(*bytes);
  reader.Get(answer);
  if (reader.ok()) return answer;
  tape->Malformed(topic, key);
  return missing;
}

}  // namespace leadline::agent::record
