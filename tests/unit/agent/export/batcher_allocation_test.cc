// Adding samples allocates nothing once an interval of that size has been seen.
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include "agent/export/batcher.h"
#include "agent/model/entity_id.h"
#include "tests/unit/sanitizers.h"

// The sanitizers have allocators of their own.
#if !LEADLINE_ASAN && !LEADLINE_TSAN

namespace {
thread_local uint64_t allocations = 0;
}

void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  std::abort();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace leadline::agent {
namespace {

TEST(BatcherAllocation, NonePerSample) {
  prometheus::Registry registry;
  Batcher batcher({.max_batch_bytes = 1 << 20}, registry);
  Entity entity;
  entity.id = ContainerId("a");
  const EntityRef ref = batcher.DefineEntity(entity);
  constexpr int kSeries = 1000;
  std::vector<SeriesRef> counters;
  std::vector<SeriesRef> gauges;
  std::vector<SeriesRef> histograms;
  for (int i = 0; i < kSeries; ++i) {
    const LabelSet residual{{"syscall", std::to_string(i)}};
    using catalogue::Metric;
    counters.push_back(batcher.DefineSeries(Metric::kContainerSyscalls, ref, residual));
    gauges.push_back(batcher.DefineSeries(Metric::kContainerMemoryUsage, ref, residual));
    histograms.push_back(batcher.DefineSeries(Metric::kContainerSyscallDuration, ref, residual));
  }
  const HistogramBucket buckets[] = {{-3, 7}, {5, 1}};
  uint64_t per_sample = 0;
  uint64_t per_interval = 0;
  for (int64_t interval = 1; interval <= 3; ++interval) {
    uint64_t before = allocations;
    batcher.BeginFrame(interval * 1000);
    for (int i = 0; i < kSeries; ++i) {
      batcher.Add(counters[i], interval * i);
      batcher.Add(gauges[i], 0.5);
      batcher.AddHistogram(histograms[i], {.schema = 2, .buckets = buckets});
    }
    per_sample = allocations - before;
    before = allocations;
    const auto sealed = batcher.Seal();
    per_interval = allocations - before;
    ASSERT_EQ(sealed.size(), 1);
    ASSERT_EQ(sealed[0].samples, 3 * kSeries);
  }
  EXPECT_EQ(per_sample, 0);
  // Protocol Buffers frees the histograms' columns with each batch; they grow again by doubling.
  EXPECT_LT(per_interval, 120);
}

}  // namespace
}  // namespace leadline::agent

#endif
