#include "agent/aggregate/process_event_series.h"

#include <csignal>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "prometheus/registry.h"
#include "tests/unit/agent/aggregate/sample_collector.h"

namespace leadline::agent::aggregate {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using Event = probes::ProcessCounters::Event;

class ProcessEventSeriesTest : public testing::Test {
 protected:
  EntityRef Container(uint64_t id) {
    return batcher_.DefineEntity({.id = {0, id}, .start_ms = 1000});
  }

  // The samples of a metric at this time.
  std::vector<std::string> Take(EntityRef owner, int64_t ts_ms, std::string_view metric) {
    series_.Record({.entity = owner, .counted_from_ms = 1000, .ts_ms = ts_ms}, recorder_);
    std::vector<std::string> samples = collector_.Take();
    std::erase_if(samples, [&](const std::string& sample) { return !sample.starts_with(metric); });
    return samples;
  }

  prometheus::Registry registry_;
  Batcher batcher_{BatcherOptions{}, registry_};
  Recorder recorder_{batcher_};
  SampleCollector collector_{batcher_};
  ProcessEventSeries series_;
};

probes::ProcessCounters Row(uint64_t cgroup_id, std::string_view command, Event event,
                            uint64_t count, uint32_t status = 0, uint64_t cpu_ns = 0) {
  probes::ProcessCounters row;
  row.cgroup_id = cgroup_id;
  row.command = command;
  row.event = event;
  row.count = count;
  row.status = status;
  row.cpu_ns = cpu_ns;
  return row;
}

TEST_F(ProcessEventSeriesTest, ACounterBeginsWithZeroAndGrowsOverCgroups) {
  const EntityRef owner = Container(1);
  EXPECT_TRUE(series_.Fold(owner, Row(7, "sh", Event::kExec, 5)));
  EXPECT_FALSE(series_.Fold(owner, Row(7, "sh", Event::kExec, 5)));
  EXPECT_TRUE(series_.Fold(owner, Row(8, "sh", Event::kExec, 2)));
  EXPECT_THAT(Take(owner, 2000, "container_"),
              ElementsAre(R"(container_process_execs_total{command="sh"} 0 @1000)",
                          R"(container_process_execs_total{command="sh"} 7 @2000)"));
  series_.ForgetCgroup(8);
  series_.Fold(owner, Row(9, "sh", Event::kExec, 1));
  EXPECT_THAT(Take(owner, 3000, "container_"),
              ElementsAre(R"(container_process_execs_total{command="sh"} 8 @3000)"));
  series_.Forget(owner);
  EXPECT_THAT(Take(owner, 4000, "container_"), IsEmpty());
}

TEST_F(ProcessEventSeriesTest, ExitsAddUpTheirCpuTimeByCommand) {
  const EntityRef owner = Container(1);
  series_.Fold(owner, Row(7, "sh", Event::kExit, 1, 0, 500'000'000));
  series_.Fold(owner, Row(7, "sh", Event::kExit, 2, 3 << 8, 1'000'000'000));
  series_.Fold(owner, Row(7, "sh", Event::kOomKill, 1));
  EXPECT_THAT(Take(owner, 2000, "container_"),
              ElementsAre(R"(container_oom_kills_total{command="sh"} 0 @1000)",
                          R"(container_oom_kills_total{command="sh"} 1 @2000)",
                          R"(container_process_exited_cpu_seconds_total{command="sh"} 0 @1000)",
                          R"(container_process_exited_cpu_seconds_total{command="sh"} 1.5 @2000)",
                          R"(container_process_exits_total{code="0", command="sh"} 0 @1000)",
                          R"(container_process_exits_total{code="0", command="sh"} 1 @2000)",
                          R"(container_process_exits_total{code="3", command="sh"} 0 @1000)",
                          R"(container_process_exits_total{code="3", command="sh"} 2 @2000)"));
}

TEST_F(ProcessEventSeriesTest, CommandsBeyondTheLimitCountAsOther) {
  const EntityRef owner = Container(1);
  constexpr uint64_t kCommands = ProcessEventSeries::kSeriesMax + 10;
  for (uint64_t i = 0; i < kCommands; ++i) {
    series_.Fold(owner, Row(7, "c" + std::to_string(i), Event::kExit, 1, 1 << 8, 1'000'000'000));
  }
  series_.Fold(owner, Row(7, "~other", Event::kExit, 5, 0, 1'000'000'000));
  const auto exits = Take(owner, 2000, "container_process_exits_total");
  EXPECT_EQ(exits.size(), 2 * (ProcessEventSeries::kSeriesMax + 1));
  EXPECT_THAT(exits, Contains(R"(container_process_exits_total{command="~other"} 15 @2000)"));
  EXPECT_THAT(Take(owner, 3000, "container_process_exited_cpu"),
              Contains(R"(container_process_exited_cpu_seconds_total{command="~other"} 11 @3000)"));
}

TEST(ExitLabels, NameTheCodeOrTheSignal) {
  const struct {
    uint32_t status;
    LabelSet labels;
  } cases[] = {
      {0, {{"command", "a"}, {"code", "0"}}},
      {255 << 8, {{"command", "a"}, {"code", "255"}}},
      {SIGKILL, {{"command", "a"}, {"signal", "KILL"}}},
      {SIGTERM, {{"command", "a"}, {"signal", "TERM"}}},
      {64, {{"command", "a"}, {"signal", "64"}}},
  };
  for (const auto& c : cases) EXPECT_EQ(ExitLabels("a", c.status), c.labels) << c.status;
  EXPECT_EQ(ExitLabels("~other", 0), (LabelSet{{"command", "~other"}}));
}

}  // namespace
}  // namespace leadline::agent::aggregate
