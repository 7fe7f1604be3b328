// Runs a transcript, or a part of it, through a connection.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"

#include "agent/protocols/base/counters.h"
#include "agent/protocols/base/limits.h"
#include "agent/protocols/base/record.h"
#include "agent/protocols/connection.h"
#include "tests/protocols/transcript.h"

namespace leadline::tests::protocols {

// A record with storage of its own.
struct KeptRecord {
  explicit KeptRecord(const base::RequestRecord& record);

  base::RequestRecord record;  // its views are not to be used
  std::string operation, target, summary, status, error;
  std::string line;  // everything, as in a transcript
};

struct Replayed {
  std::vector<KeptRecord> records;
  base::Counters counters;
  base::Protocol protocol = base::Protocol::kUnknown;  // as it was before the end
  size_t most_memory_bytes = 0;

  std::vector<std::string> lines() const;
};

// Begins the connection, and says and ends what the transcript does; `after` each of it.
void RunThrough(
    const Transcript& transcript, agent::protocols::Connection& connection,
    absl::FunctionRef<void()> after = [] {});

Replayed Replay(const Transcript& transcript, const base::Limits& limits = {});

}  // namespace leadline::tests::protocols
