// Runs a transcript, or a part of it, through a connection.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/protocols/base/counters.h"
#include "agent/protocols/base/limits.h"
#include "agent/protocols/base/record.h"
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

Replayed Replay(const Transcript& transcript, const base::Limits& limits = {});

}  // namespace leadline::tests::protocols
