// Hostile queries under fixed limits end in an answer or in an error that says which limit, take no
// more memory than they may, and give it back. LEADLINE_HOSTILE_QUERIES says how many (200).
#include <malloc.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "collector/promql/engine.h"
#include "tests/promql/heap_count.h"
#include "tests/promql/hostile_query.h"
#include "tests/promql/memory_queryable.h"

namespace leadline::collector::promqltest {
namespace {

constexpr uint64_t kMaxBytes = 32 << 20;

void Fill(MemoryQueryable& store) {
  for (const char* name : {"a", "b", "c", "h"}) {
    for (int i = 0; i < 40; ++i) {
      store::SeriesBlock series;
      series.labels = std::make_shared<const LabelSet>(
          LabelSet({{"__name__", name}, {"i", std::to_string(i)}, {"j", std::to_string(i % 4)}}));
      for (int64_t ts_ms = 0; ts_ms <= 3'600'000; ts_ms += 15'000) {
        if (*name == 'h') {
          model::NativeHistogram histogram;
          histogram.schema = i % 4;
          histogram.count = static_cast<uint64_t>(ts_ms / 15'000 * 20);
          histogram.sum = static_cast<double>(ts_ms);
          for (int32_t bucket = -10; bucket < 10; ++bucket) {
            histogram.positive.push_back({bucket, static_cast<uint64_t>(ts_ms / 15'000)});
          }
          series.histogram_ts_ms.push_back(ts_ms);
          series.histograms.push_back(std::move(histogram));
        } else {
          series.ts_ms.push_back(ts_ms);
          series.values.push_back(static_cast<double>(ts_ms % 7'000) * i);
        }
      }
      store.Add(std::move(series));
    }
  }
}

// Of the process: "VmRSS", what it has, or "VmHWM", the most that it had so far.
uint64_t ProcessBytes(const std::string& which) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(which)) return std::stoull(line.substr(which.size() + 1)) * 1024;
  }
  return 0;
}

// What the process has when malloc has given back what it can.
uint64_t TrimmedBytes() {
  malloc_trim(0);
  return ProcessBytes("VmRSS");
}

TEST(HostileQueryTest, EndInAnAnswerOrALimit) {
  const char* const text = std::getenv("LEADLINE_HOSTILE_QUERIES");
  const uint32_t count = text != nullptr ? static_cast<uint32_t>(std::atoi(text)) : 200;
  MemoryQueryable store;
  Fill(store);
  const promql::Engine engine(store, {.timeout = absl::Milliseconds(250),
                                      .max_samples = 1'000'000,
                                      .max_memory_bytes = kMaxBytes});
  // What they are made of comes first, so that it does not count as theirs.
  ASSERT_TRUE(engine.Instant("t", "a + b", 1'000'000).ok());
  const uint64_t before = ProcessBytes("VmHWM");
  uint64_t heap_after_tenth = 0;
  uint64_t process_after_tenth = 0;
  std::map<absl::StatusCode, uint32_t> outcomes;
  for (uint32_t seed = 0; seed < count; ++seed) {
    if (seed == count / 10) {
      heap_after_tenth = HeapBytes();
      process_after_tenth = TrimmedBytes();
    }
    const HostileQuery query = MakeHostileQuery(seed);
    TakeHeapPeak();
    const uint64_t heap_before = HeapBytes();
    const auto result = query.step_ms == 0 ? engine.Instant("t", query.text, query.end_ms)
                                           : engine.Range("t", query.text, query.start_ms,
                                                          query.end_ms, query.step_ms);
    // What is not charged: the store's own copies of samples, plans, little things.
    EXPECT_LT(TakeHeapPeak() - heap_before, kMaxBytes + kMaxBytes / 4)
        << seed << ": " << query.text;
    ++outcomes[result.status().code()];
    switch (result.status().code()) {
      case absl::StatusCode::kOk:
      case absl::StatusCode::kResourceExhausted:   // 422
      case absl::StatusCode::kFailedPrecondition:  // 422
      case absl::StatusCode::kDeadlineExceeded:
        break;
      default:
        ADD_FAILURE() << query.text << ": " << result.status();
    }
    ASSERT_EQ(engine.held_bytes(), 0u) << query.text;
  }
  EXPECT_GT(outcomes[absl::StatusCode::kOk], count / 10);
  EXPECT_GT(outcomes[absl::StatusCode::kResourceExhausted], count / 50);
  // Beside what is accounted: what malloc keeps.
  EXPECT_LT(ProcessBytes("VmHWM") - before, 6 * kMaxBytes);
  // Flat: the last nine tenths leave nothing behind.
  EXPECT_LT(HeapBytes(), heap_after_tenth + 64 * 1024);
  if (count >= 10'000) {
    EXPECT_LT(TrimmedBytes(), process_after_tenth + kMaxBytes);
  }
}

}  // namespace
}  // namespace leadline::collector::promqltest
