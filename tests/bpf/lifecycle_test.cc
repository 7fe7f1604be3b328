// Control groups that the test makes and removes, seen through the real ring buffer.
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "agent/probes/probes.h"
#include "common/clock.h"
#include "tests/bpf/cgroup_fixture.h"
#include "tests/bpf/probes_fixture.h"

namespace leadline::testing {
namespace {

using agent::probes::LifecycleEvent;
using Kind = LifecycleEvent::Kind;

struct Event {
  Kind kind;
  uint64_t cgroup_id;
  std::string path;
  bool truncated;
  int64_t ts_mono_ns;
};

// Collects the events of a cgroup until there are `count`, or none comes for ten seconds.
std::vector<Event> EventsOf(agent::probes::Probes& probes, uint64_t id, size_t count) {
  std::vector<Event> events;
  while (events.size() < count) {
    const auto polled = probes.PollLifecycle(absl::Seconds(10), [&](const LifecycleEvent& event) {
      if (event.cgroup_id != id) return;
      events.push_back({event.kind, event.cgroup_id, std::string(event.path), event.truncated,
                        event.ts_mono_ns});
    });
    if (!polled.ok() || *polled == 0) break;
  }
  return events;
}

std::string PathOf(const TestCgroup& cgroup) {
  return cgroup.directory().substr(Cgroup2Mount().size());
}

class LifecycleByHook : public ::testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Hooks, LifecycleByHook, ::testing::Values("raw_tp/", "tp_btf/"),
                         [](const auto& test) {
                           return std::string(test.param) == "raw_tp/" ? "TpBtf" : "RawTp";
                         });

TEST_P(LifecycleByHook, ReportsACgroupAsItComesAndGoes) {
  auto probes = LoadProbes({.avoid_hooks = {GetParam()}});
  ASSERT_NE(probes, nullptr);
  const int64_t before_ns = SystemClock().NowMonoNs();
  TestCgroup cgroup;
  const std::string path = PathOf(cgroup);
  ASSERT_TRUE(cgroup.Remove());
  const int64_t after_ns = SystemClock().NowMonoNs();

  const std::vector<Event> events = EventsOf(*probes, cgroup.id(), 2);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0].kind, Kind::kCgroupCreated);
  EXPECT_EQ(events[1].kind, Kind::kCgroupRemoved);
  for (const Event& event : events) {
    EXPECT_EQ(event.path, path);
    EXPECT_FALSE(event.truncated);
    EXPECT_GE(event.ts_mono_ns, before_ns);
    EXPECT_LE(event.ts_mono_ns, after_ns);
  }
  EXPECT_LE(events[0].ts_mono_ns, events[1].ts_mono_ns);
}

TEST(Lifecycle, SaysWhenAPathIsCut) {
  auto probes = LoadProbes();
  ASSERT_NE(probes, nullptr);
  std::vector<std::unique_ptr<TestCgroup>> nested;
  nested.push_back(std::make_unique<TestCgroup>());
  while (PathOf(*nested.back()).size() <= LIFECYCLE_PATH_MAX) {
    nested.push_back(
        std::make_unique<TestCgroup>(nested.back()->directory(), std::string(200, 'n')));
  }
  const std::string whole = PathOf(*nested.back());
  const std::vector<Event> events = EventsOf(*probes, nested.back()->id(), 1);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_TRUE(events[0].truncated);
  EXPECT_EQ(events[0].path, whole.substr(0, LIFECYCLE_PATH_MAX));
  while (!nested.empty()) nested.pop_back();  // the innermost first
}

std::string AnyV1Hierarchy() {
  std::ifstream mounts("/proc/self/mounts");
  std::string device, directory, type, rest;
  while (mounts >> device >> directory >> type && std::getline(mounts, rest)) {
    if (type == "cgroup") return directory;
  }
  return "";
}

TEST(Lifecycle, LeavesOutTheV1Hierarchies) {
  const std::string v1 = AnyV1Hierarchy();
  if (v1.empty()) return;  // a pure v2 machine has nothing to leave out
  auto probes = LoadProbes();
  ASSERT_NE(probes, nullptr);
  std::string v1_path;
  {
    TestCgroup cgroup(v1);
    v1_path = cgroup.directory().substr(v1.size());
  }
  TestCgroup marker;
  bool marker_seen = false;
  while (!marker_seen) {
    const auto polled = probes->PollLifecycle(absl::Seconds(10), [&](const LifecycleEvent& event) {
      EXPECT_NE(event.path, v1_path);
      marker_seen = marker_seen || event.cgroup_id == marker.id();
    });
    ASSERT_TRUE(polled.ok() && *polled > 0);
  }
}

TEST(Lifecycle, CountsWhatTheRingHasNoRoomFor) {
  agent::probes::ProbeOptions options;
  options.lifecycle_ring_bytes = 1;  // rounded up to a page
  auto probes = LoadProbes(options);
  ASSERT_NE(probes, nullptr);
  constexpr int kCgroups = 200;
  for (int i = 0; i < kCgroups; ++i) TestCgroup cgroup;
  uint64_t seen = 0;
  const auto polled =
      probes->PollLifecycle(absl::ZeroDuration(), [&](const LifecycleEvent&) { ++seen; });
  ASSERT_TRUE(polled.ok());
  const auto losses = probes->Losses();
  ASSERT_TRUE(losses.ok());
  uint64_t dropped = 0;
  for (const auto& loss : *losses) {
    if (loss.reason == "lifecycle_ring_full") dropped = loss.count;
  }
  EXPECT_GT(dropped, 0u);
  EXPECT_GE(seen + dropped, uint64_t{2} * kCgroups);
}

}  // namespace
}  // namespace leadline::testing
