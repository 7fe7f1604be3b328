// Both ends of the wire with a disk spool between two lives of the agent: everything that was
// sealed arrives once, and what cannot is declared.
#include <bit>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/spool/segment.h"
#include "pipeline.h"

namespace leadline::collector::ingest {
namespace {

using testing::IsEmpty;

class SpoolWire : public testing::Test {
 protected:
  SpoolWire() {
    char name[] = "/tmp/leadline-spool-XXXXXX";
    dir_ = mkdtemp(name);
  }
  ~SpoolWire() override {
    EXPECT_THAT(store_.complaints(), IsEmpty());
    agent_.reset();
    std::filesystem::remove_all(dir_);
  }

  TestAgent& Agent(uint64_t epoch, int64_t first_ms = 0,
                   const std::function<void(agent::SenderOptions&)>& adjust = {}) {
    agent_.reset();
    agent_ = std::make_unique<TestAgent>(collector_.proxy().port(), epoch,
                                         [&](agent::SenderOptions& options) {
                                           options.spool_dir = dir_ + "/spool";
                                           if (adjust) adjust(options);
                                         });
    agent_->SkipTo(first_ms);
    return *agent_;
  }
  double SpoolMetric(const std::string& name, const std::string& reason = "") {
    return MetricValue(agent_->registry(), "leadline_agent_spool_" + name, reason);
  }
  // Without a collector: the process ends, what it made is in the spool.
  void End() { EXPECT_EQ(agent_->sender().Stop(absl::ZeroDuration()), absl::OkStatus()); }

  std::map<int64_t, Value> Sent(uint64_t last, uint64_t after = 0) {
    std::map<int64_t, Value> samples;
    for (uint64_t i = after + 1; i <= last; ++i) {
      samples[kNowMs + static_cast<int64_t>(i)] = std::bit_cast<uint64_t>(static_cast<double>(i));
    }
    return samples;
  }
  std::vector<std::string> Files() const {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(dir_ + "/spool")) {
      files.push_back(entry.path());
    }
    return files;
  }

  std::string dir_;
  FakeStore store_;
  TestCollector collector_{&store_};
  std::unique_ptr<TestAgent> agent_;
};

TEST_F(SpoolWire, WhatWasSealedBeforeAnEndArrivesAfterTheNextStart) {
  int64_t value = 0;
  for (uint64_t epoch = 1; epoch <= 3; ++epoch) {
    TestAgent& agent = Agent(epoch, value);
    for (int i = 0; i < 20; ++i) agent.SendOne(++value);
    End();
  }
  TestAgent& agent = Agent(4, value);
  agent.SendOne(++value);
  collector_.Start();
  EXPECT_EQ(agent.sender().Stop(kPatience), absl::OkStatus());
  EXPECT_EQ(store_.samples(), (Samples{{CounterName("c1"), Sent(61)}}));
  for (uint64_t epoch = 1; epoch <= 3; ++epoch) {
    EXPECT_EQ(store_.sequences({agent.options().agent_id, epoch}).size(), 20) << epoch;
  }
  EXPECT_EQ(collector_.Metric("lost_batches_total"), 0);
  EXPECT_EQ(SpoolMetric("batches_recovered_total"), 60);
  EXPECT_THAT(Files(), IsEmpty()) << "everything is acknowledged";
}

TEST_F(SpoolWire, WhatTheCollectorHasIsNotSentAgain) {
  collector_.Start();
  TestAgent& first = Agent(1);
  for (int i = 1; i <= 5; ++i) first.SendOne(i);
  ASSERT_TRUE(Eventually([&] { return first.sender().acknowledged_sequence() == 5; }));
  collector_.Kill();
  for (int i = 6; i <= 9; ++i) first.SendOne(i);
  End();
  TestAgent& second = Agent(2, 9);
  collector_.Start();
  second.SendOne(10);
  EXPECT_EQ(second.sender().Stop(kPatience), absl::OkStatus());
  EXPECT_EQ(store_.samples(), (Samples{{CounterName("c1"), Sent(10)}}));
  EXPECT_EQ(second.Metric("batches_sent_total"), 5);
  EXPECT_EQ(collector_.Metric("duplicate_batches_total"), 0);
  EXPECT_EQ(collector_.Metric("lost_batches_total"), 0);
}

TEST_F(SpoolWire, AReplayOutlivesCrashesOfTheCollector) {
  TestAgent& first = Agent(1);
  for (int i = 1; i <= 200; ++i) first.SendOne(i);
  End();
  store_.Hold(true);
  collector_.Start();
  TestAgent& second = Agent(2, 200);
  second.SendOne(201);
  for (int round = 0; round < 4; ++round) {
    store_.AwaitHeld(5);
    store_.Commit(3);
    collector_.Kill();
    collector_.Start();
  }
  store_.Hold(false);
  EXPECT_EQ(second.sender().Stop(kPatience), absl::OkStatus());
  EXPECT_EQ(store_.samples(), (Samples{{CounterName("c1"), Sent(201)}}));
}

TEST_F(SpoolWire, ARefThatMeantSomethingElseLaterMeansWhatItMeantThen) {
  TestAgent& first = Agent(1);
  // Refs are given to others only once all is acknowledged, so the collector is there for a while.
  collector_.Start();
  Samples want;
  int64_t ts_ms = kNowMs;
  for (int i = 0; i < 6; ++i) {
    const std::string id = fmt::format("c{}", i);
    const agent::EntityRef container = first.batcher().DefineEntity(Container(id));
    const agent::SeriesRef series = first.batcher().DefineSeries(
        catalogue::Metric::kContainerSyscalls, container, {{"syscall", "read"}});
    first.batcher().BeginFrame(++ts_ms);
    ASSERT_TRUE(first.batcher().Add(series, int64_t{i}));
    want[CounterName(id, "read")][ts_ms] = std::bit_cast<uint64_t>(static_cast<double>(i));
    first.batcher().Forget(container);
    first.sender().Submit(first.batcher().Seal());
    const uint64_t sequence = static_cast<uint64_t>(i) + 1;
    if (i < 3) {
      ASSERT_TRUE(Eventually([&] { return first.sender().acknowledged_sequence() == sequence; }));
      first.batcher().Acknowledged(sequence);
    } else if (i == 3) {
      collector_.Kill();
    }
  }
  End();
  collector_.Start();
  TestAgent& second = Agent(2, 0);
  EXPECT_EQ(second.sender().Stop(kPatience), absl::OkStatus());
  EXPECT_EQ(store_.samples(), want);
}

TEST_F(SpoolWire, AFullSpoolDropsTheOldestCountsAndDeclaresThem) {
  const auto small = [](agent::SenderOptions& options) {
    options.max_spool_bytes = 200'000;
    options.max_spooled_buffer_bytes = 4096;
  };
  TestAgent& first = Agent(1, 0, small);
  for (int i = 1; i <= 3000; ++i) first.SendOne(i);
  End();
  const auto dropped = static_cast<uint64_t>(first.Metric("batches_dropped_total", "spool_full"));
  EXPECT_GT(dropped, 500);
  EXPECT_LT(dropped, 2500);
  EXPECT_EQ(first.Metric("samples_dropped_total", "spool_full"), dropped);
  uint64_t bytes = 0;
  for (const auto& file : Files()) bytes += std::filesystem::file_size(file);
  EXPECT_LE(bytes, 200'000);

  collector_.Start();
  TestAgent& second = Agent(2, 3000, small);
  second.SendOne(3001);
  EXPECT_EQ(second.sender().Stop(kPatience), absl::OkStatus());
  const auto stored = store_.samples()[CounterName("c1")];
  const auto lost = static_cast<uint64_t>(collector_.Metric("lost_batches_total"));
  EXPECT_EQ(collector_.Metric("lost_samples_total"), lost);
  // What was in memory at the end and had left the spool is lost too, and nothing else.
  EXPECT_GE(lost, dropped);
  EXPECT_EQ(stored, Sent(3001, lost));
}

TEST_F(SpoolWire, ALongOutageIsServedFromTheSpoolInTheSameProcess) {
  TestAgent& agent = Agent(1, 0, [](agent::SenderOptions& options) {
    options.max_spooled_buffer_bytes = 4096;
    options.max_buffer_bytes = 2 << 20;
  });
  for (int i = 1; i <= 2000; ++i) agent.SendOne(i);
  ASSERT_TRUE(Eventually([&] { return SpoolMetric("batches_written_total") == 2000; }));
  EXPECT_LT(agent.Metric("buffered_bytes"), 400'000);
  collector_.Start();
  EXPECT_EQ(agent.sender().Stop(kPatience), absl::OkStatus());
  EXPECT_EQ(store_.samples(), (Samples{{CounterName("c1"), Sent(2000)}}));
  EXPECT_EQ(collector_.Metric("lost_batches_total"), 0);
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(SpoolWire, WhatIsDamagedIsDeclaredAndTheRestArrives) {
  TestAgent& first = Agent(1);
  for (int i = 1; i <= 9; ++i) first.SendOne(i);
  End();
  ASSERT_EQ(Files().size(), 1);
  std::string bytes;
  {
    std::ifstream in(Files()[0], std::ios::binary);
    bytes.assign(std::istreambuf_iterator<char>(in), {});
  }
  const auto contents = agent::spool::Scan(bytes);
  ASSERT_TRUE(contents && contents->batches.size() == 9);
  for (const size_t victim : {3, 8}) {  // batches 4 and 9, the last
    const auto& batch = contents->batches[victim];
    const size_t end = victim == 8 ? bytes.size() : contents->batches[victim + 1].offset;
    bytes[end - 1] = static_cast<char>(bytes[end - 1] ^ 1);
    ASSERT_GT(batch.batch_bytes, 0);
  }
  std::ofstream(Files()[0], std::ios::binary) << bytes;
  collector_.Start();
  TestAgent& second = Agent(2, 9);
  second.SendOne(10);
  EXPECT_EQ(second.sender().Stop(kPatience), absl::OkStatus());
  auto want = Sent(10);
  want.erase(kNowMs + 4);
  want.erase(kNowMs + 9);
  EXPECT_EQ(store_.samples(), (Samples{{CounterName("c1"), want}}));
  EXPECT_EQ(second.Metric("batches_dropped_total", "damaged"), 2);
  EXPECT_EQ(SpoolMetric("damaged_places_total"), 2);
  EXPECT_EQ(collector_.Metric("lost_batches_total"), 2);
  EXPECT_EQ(collector_.Metric("lost_samples_total"), 2);
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(SpoolWire, WithoutADirectoryItGoesOnInMemoryAndSaysSo) {
  std::ofstream(dir_ + "/spool") << "a file";
  collector_.Start();
  TestAgent& agent = Agent(1);
  for (int i = 1; i <= 5; ++i) agent.SendOne(i);
  EXPECT_EQ(agent.sender().Stop(kPatience), absl::OkStatus());
  EXPECT_EQ(store_.samples(), (Samples{{CounterName("c1"), Sent(5)}}));
  EXPECT_EQ(SpoolMetric("batches_skipped_total", "write_failed"), 5);
  EXPECT_EQ(SpoolMetric("failing"), 1);
}

// Either side ends and comes back at any moment, connections break, acknowledgements are lost.
class RestartWire : public SpoolWire, public testing::WithParamInterface<uint32_t> {
 protected:
  // Kills the collector, ends it in good order, or starts it.
  void RestartCollector() {
    if (!running_) {
      collector_.Start();
    } else if (random_() % 3 == 0) {
      // It waits for what it has to say.
      store_.Hold(false);
      collector_.proxy().SwallowAnswers(false);
      collector_.Stop();
    } else {
      collector_.Kill();
    }
    running_ = !running_;
  }

  std::mt19937 random_{GetParam()};
  bool running_ = false;
};

TEST_P(RestartWire, EverySampleIsThereOnce) {
  uint64_t epoch = 1;
  int64_t value = 0;
  TestAgent* agent = &Agent(epoch);
  int restarts = 0;
  for (int step = 0; step < 300; ++step) {
    switch (random_() % 20) {
      case 0:
      case 1:
        RestartCollector();
        ++restarts;
        break;
      case 2:
        End();
        agent = &Agent(++epoch, value);
        ++restarts;
        break;
      case 3:
        collector_.proxy().Cut();
        break;
      case 4:
        collector_.proxy().SwallowAnswers(random_() % 2 == 0);
        break;
      case 5:
        store_.Hold(random_() % 2 == 0);
        break;
      case 6:
        store_.Commit(store_.held() == 0 ? 0 : 1 + random_() % store_.held());
        break;
      case 7: {
        const uint64_t before = agent->sender().acknowledged_sequence();
        const auto moved = [&] { return agent->sender().acknowledged_sequence() > before; };
        for (int look = 0; running_ && !moved() && look < 20; ++look) {
          std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        break;
      }
      default:
        agent->SendOne(++value);
    }
  }
  EXPECT_GT(restarts, 20);
  store_.Hold(false);
  collector_.proxy().SwallowAnswers(false);
  collector_.proxy().Cut();
  if (!running_) collector_.Start();
  agent->SendOne(++value);
  EXPECT_EQ(agent->sender().Stop(kPatience), absl::OkStatus());
  EXPECT_EQ(store_.samples(), (Samples{{CounterName("c1"), Sent(static_cast<uint64_t>(value))}}));
  EXPECT_THAT(Files(), IsEmpty()) << "everything is acknowledged";
}

INSTANTIATE_TEST_SUITE_P(Seeds, RestartWire, testing::Range(1u, 6u));

}  // namespace
}  // namespace leadline::collector::ingest
