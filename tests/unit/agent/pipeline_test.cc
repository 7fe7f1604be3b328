#include "agent/pipeline.h"

#include <deque>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include "agent/source/node_files.h"

namespace leadline::agent {
namespace {

using record::Topic;
using testing::HasSubstr;

constexpr int64_t kIntervalMs = 10'000;
constexpr int64_t kWaitMs = 1'000;
constexpr int64_t kHourMs = 3'600'000;

// A node whose clock is the test's: each wait of the pipeline takes kWaitMs, after so many of them
// the run ends. It has the two files without which there is no node.
class SlowNode final : public record::Tape {
 public:
  ManualClock clock{1'700'000'000'000, 5'000'000};
  int64_t set_back_after = -1;  // waits; by an hour
  int64_t waits = 0;

  explicit SlowNode(int64_t most_waits) : most_waits_(most_waits) {}

  bool replays() const override { return true; }
  void Keep(Topic, std::string_view, std::string_view) override {}
  std::optional<std::string_view> Recall(Topic topic, std::string_view key) override {
    if (topic == Topic::kClock && key == "realtime_ms") return Answer(clock.NowUnixMs());
    if (topic == Topic::kClock) return Answer(clock.NowMonoNs());
    if (topic == Topic::kFile && key == "/proc/stat") return File("btime 1600000000\n");
    if (topic == Topic::kFile && key.ends_with("/boot_id")) return File("boot\n");
    if (topic != Topic::kWait || waits == most_waits_) return std::nullopt;
    clock.AdvanceMs(kWaitMs);
    if (++waits == set_back_after) clock.StepMs(-kHourMs);
    return Answer(uint8_t{0});
  }
  void Malformed(Topic topic, std::string_view key) override {
    ADD_FAILURE() << record::TopicName(topic) << " " << key;
  }
  void EndTurn(int64_t) override { answers_.clear(); }

 private:
  template <typename T>
  std::string_view Answer(T value) {
    std::string& bytes = answers_.emplace_back();
    record::ArchiveWriter(bytes).Put(value);
    return bytes;
  }
  std::string_view File(std::string_view text) {
    return Answer(source::FileText{.error = 0, .text = text});
  }

  const int64_t most_waits_;
  std::deque<std::string> answers_;
};

class Nowhere final : public Delivery {
 public:
  void Submit(std::vector<SealedBatch>) override { ++intervals; }
  uint64_t acknowledged_sequence() const override { return 0; }
  int64_t intervals = 0;
};

class PipelineTest : public testing::Test {
 protected:
  void Run(SlowNode& node) {
    const record::ScopedTape scope(&node);
    auto pipeline = Pipeline::Start(
        {.cluster = "c", .node = "n", .interval_ms = kIntervalMs},
        {.load_probes = [](const CgroupHierarchy&) -> std::unique_ptr<probes::Probes> {
          return nullptr;
        }},
        registry_);
    ASSERT_TRUE(pipeline.ok()) << pipeline.status();
    (*pipeline)->Run(/*stop_fd=*/-1, nowhere_);
  }
  std::string Metrics() { return prometheus::TextSerializer().Serialize(registry_.Collect()); }

  prometheus::Registry registry_;
  Nowhere nowhere_;
};

TEST_F(PipelineTest, ReadsOnceAnInterval) {
  SlowNode node(/*most_waits=*/60);
  Run(node);
  EXPECT_EQ(nowhere_.intervals, 6);
  EXPECT_THAT(Metrics(), HasSubstr("leadline_agent_intervals_skipped_total 0"));
}

TEST_F(PipelineTest, AClockThatIsSetBackIsNoticedWithinAnInterval) {
  SlowNode node(/*most_waits=*/60);
  node.set_back_after = 35;
  Run(node);
  EXPECT_EQ(nowhere_.intervals, 6);
  EXPECT_THAT(Metrics(), HasSubstr("leadline_agent_clock_steps_total{direction=\"backward\"} 1"));
  EXPECT_THAT(Metrics(), HasSubstr("leadline_agent_intervals_skipped_total 3"));
}

}  // namespace
}  // namespace leadline::agent
