// What the crash test's writer writes in each batch, and its reader expects: a function of the
// sequence.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "collector/store/record/exemplars.h"
#include "collector/store/store.h"

namespace leadline::crash {

inline constexpr char kTenant[] = "default";
inline constexpr int64_t kBaseMs = 1'700'006'400'000;
inline constexpr int64_t kStepMs = 20 * 60 * 1000;  // so that windows change under way
inline constexpr uint64_t kSeries = 5;

inline collector::store::WriterId Writer() { return {HashId({"agent"}), 1}; }

inline std::vector<collector::model::SeriesDefinition> Definitions() {
  std::vector<collector::model::SeriesDefinition> definitions;
  for (uint64_t i = 0; i < kSeries; ++i) {
    definitions.push_back(
        {"m", HashId({"entity", std::to_string(i)}), LabelSet({{"series", std::to_string(i)}})});
  }
  return definitions;
}

// Every third batch comes late: its samples lie a day before its neighbours'.
inline int64_t TimeOf(uint64_t sequence) {
  const auto number = static_cast<int64_t>(sequence);
  return sequence % 3 == 0 ? kBaseMs + number * kStepMs - 24 * 60 * 60 * 1000 + 1
                           : kBaseMs + number * kStepMs;
}

inline collector::model::Record RecordOf(uint64_t sequence) {
  return {.table = collector::model::RecordTable::kEntityVersions,
          .key = "batch",
          .ts_ms = TimeOf(sequence),
          .value = std::to_string(sequence)};
}

inline collector::model::Record ExemplarOf(uint64_t sequence) {
  return collector::store::record::OfExemplar(HashId({"series"}),
                                              {LabelSet({{"trace_id", std::to_string(sequence)}}),
                                               static_cast<double>(sequence), TimeOf(sequence)});
}

inline double ValueOf(uint64_t sequence, uint64_t series) {
  return static_cast<double>(sequence * 10 + series);
}

}  // namespace leadline::crash
