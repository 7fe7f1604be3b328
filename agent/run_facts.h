// How an agent was started and on what machine: the first answer of a recording.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <string>
#include <utility>

#include "agent/pipeline.h"
#include "agent/record/tape.h"
#include "common/version.h"

namespace leadline::agent {

struct RunFacts {
  std::string version;
  PipelineOptions options;
  int64_t page_bytes = 0;
  int64_t ticks_per_second = 0;
};
template <typename Archive>
void Fields(Archive& archive, RunFacts& facts) {
  archive("version", facts.version, "options", facts.options, "page_bytes", facts.page_bytes,
          "ticks_per_second", facts.ticks_per_second);
}

inline RunFacts RunFactsHere(PipelineOptions options) {
  return {.version = std::string(kVersion),
          .options = std::move(options),
          .page_bytes = sysconf(_SC_PAGESIZE),
          .ticks_per_second = sysconf(_SC_CLK_TCK)};
}

// `now`, or what the recording has.
inline RunFacts TapeRunFacts(const RunFacts& now) {
  return record::Taped(record::Topic::kRun, "agent", [&] { return now; });
}

}  // namespace leadline::agent
