// Both ends of the wire together: everything arrives once and in order, whatever breaks.
#include <bit>
#include <numeric>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline.h"

namespace leadline::collector::ingest {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Wire : public testing::Test {
 protected:
  Wire() { collector_.Start(); }
  ~Wire() override { EXPECT_THAT(store_.complaints(), IsEmpty()); }

  TestAgent& Agent(uint64_t epoch = 1,
                   const std::function<void(agent::SenderOptions&)>& adjust = {}) {
    agent_ = std::make_unique<TestAgent>(collector_.proxy().port(), epoch, adjust);
    return *agent_;
  }

  // SendOne(1), SendOne(2)... made this.
  std::map<int64_t, Value> FirstSamples(uint64_t count, uint64_t after = 0) {
    std::map<int64_t, Value> samples;
    for (uint64_t i = after + 1; i <= count; ++i) {
      samples[kNowMs + static_cast<int64_t>(i)] = std::bit_cast<uint64_t>(static_cast<double>(i));
    }
    return samples;
  }
  static std::vector<uint64_t> Sequences(uint64_t first, uint64_t last) {
    std::vector<uint64_t> sequences(last - first + 1);
    std::iota(sequences.begin(), sequences.end(), first);
    return sequences;
  }

  FakeStore store_;
  TestCollector collector_{&store_};
  std::unique_ptr<TestAgent> agent_;
};

TEST_F(Wire, EverythingArrivesOnceAndInOrder) {
  TestAgent& agent = Agent();
  for (int i = 1; i <= 100; ++i) agent.SendOne(i);
  EXPECT_EQ(agent.sender().Stop(kPatience), absl::OkStatus());
  EXPECT_EQ(store_.samples(), (Samples{{CounterName("c1"), FirstSamples(100)}}));
  EXPECT_EQ(store_.sequences(agent.writer()), Sequences(1, 100));
  EXPECT_EQ(agent.sender().acknowledged_sequence(), 100);
  EXPECT_EQ(agent.Metric("batches_acknowledged_total"), 100);
  EXPECT_EQ(agent.Metric("buffered_bytes"), 0);
  EXPECT_EQ(collector_.Metric("samples_total"), 100);
}

}  // namespace
}  // namespace leadline::collector::ingest
