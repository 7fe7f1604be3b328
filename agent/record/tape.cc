#include "agent/record/tape.h"

#include <iterator>

#include <fmt/format.h>

namespace leadline::agent::record {
namespace {

thread_local Tape* current = nullptr;

constexpr const char* kNames[] = {"",     "turn",  "end",        "run",    "clock",
                                  "wait", "file",  "directory",  "inode",  "filesystem",
                                  "host", "probe", "kubernetes", "runtime"};
static_assert(std::size(kNames) == static_cast<size_t>(Topic::kRuntime) + 1);

}  // namespace

std::string TopicName(Topic topic) {
  const auto number = static_cast<size_t>(topic);
  if (number == 0 || number >= std::size(kNames)) return fmt::format("topic {}", number);
  return kNames[number];
}

Tape* Tape::Current() { return current; }

ScopedTape::ScopedTape(Tape* tape) : before_(std::exchange(current, tape)) {}

ScopedTape::~ScopedTape() { current = before_; }

}  // namespace leadline::agent::record
