#include "agent/node_sampler.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent/aggregate/sample_collector.h"

namespace leadline::agent {
namespace {

using aggregate::SampleCollector;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr uint16_t kGetppid = 110;
constexpr uint16_t kRead = 0;
constexpr int64_t kStartMs = 1000;
constexpr char kInnerUid[] = "66666666-2222-3333-4444-555555555555";

// Keeps and gives up rows as the kernel's table does.
class FakeProbes final : public probes::Probes {
 public:
  void Count(uint64_t cgroup_id, uint16_t nr, uint64_t calls) { calls_[{cgroup_id, nr}] += calls; }
  size_t rows() const { return calls_.size(); }

  const probes::ProbeReport& report() const override { return report_; }
  absl::Status ReadSyscalls(
      absl::FunctionRef<bool(const probes::SyscallCounters&)> handler) override {
    for (const auto& row : ended_) calls_.erase(row);
    ended_.clear();
    for (const auto& [key, calls] : calls_) {
      probes::SyscallCounters row;
      row.cgroup_id = key.first;
      row.nr = key.second;
      row.calls = calls;
      row.last = forgotten_.contains(key.first);
      if (row.last) ended_.push_back(key);
      handler(row);
    }
    forgotten_.clear();
    return absl::OkStatus();
  }
  void Forget(uint64_t cgroup_id) override { forgotten_.insert(cgroup_id); }
  uint32_t syscall_rows_used() const override { return static_cast<uint32_t>(calls_.size()); }
  absl::StatusOr<uint64_t> UntimedSyscalls() const override { return 0; }
  int lifecycle_fd() const override { return -1; }
  absl::StatusOr<int> PollLifecycle(
      absl::Duration, absl::FunctionRef<void(const probes::LifecycleEvent&)>) override {
    return 0;
  }
  absl::StatusOr<std::vector<probes::ProbeLoss>> Losses() const override {
    return std::vector<probes::ProbeLoss>{};
  }

 private:
  using Row = std::pair<uint64_t, uint16_t>;
  probes::ProbeReport report_;
  std::map<Row, uint64_t> calls_;
  std::set<uint64_t> forgotten_;
  std::vector<Row> ended_;
};

class NodeSamplerTest : public testing::Test {
 protected:
  NodeSamplerTest()
      : root_(std::filesystem::temp_directory_path() /
              ("leadline-sampler-" + std::to_string(getpid()))) {
    std::filesystem::create_directories(root_);
    inventory_.emplace(0, root_, kStartMs, resolver_);
    sampler_.emplace(NodeSamplerOptions{.cluster = "c",
                                        .node = "n",
                                        .counted_from_ms = kStartMs,
                                        .processes = {.boot_id = "b", .max_processes = 0}},
                     source::CgroupMounts{.v2 = root_, .v1_cpuacct = "", .v1_memory = ""}, probes_,
                     *inventory_, resolver_, batcher_, registry_);
  }
  ~NodeSamplerTest() override { std::filesystem::remove_all(root_); }

  // An interval of the agent: the samples of a metric in it.
  std::vector<std::string> Interval(bool walk = true,
                                    std::string_view metric = "container_syscalls_total{") {
    if (walk) {
      EXPECT_TRUE(inventory_->Walk(now_ms_).ok());
    }
    sampler_->Sample(now_ms_ += 1000);
    std::vector<std::string> samples = collector_.Take();
    std::erase_if(samples, [&](const std::string& sample) { return !sample.starts_with(metric); });
    return samples;
  }

  // A container's cgroup that has used some CPU time, of `path` and all above it.
  void MakeContainer(const std::string& path, int cpu_s) {
    std::filesystem::create_directories(root_ + path);
    std::ofstream(root_ + path + "/cpu.stat") << "usage_usec " << cpu_s << "000000\n";
  }

  std::string root_;
  int64_t now_ms_ = kStartMs;
  prometheus::Registry registry_;
  FakeProbes probes_;
  meta::MetadataResolver resolver_{{.cluster = "c", .node = "n", .boot_id = "b"}, registry_};
  std::optional<CgroupInventory> inventory_;
  Batcher batcher_{BatcherOptions{}, registry_};
  SampleCollector collector_{batcher_};
  std::optional<NodeSampler> sampler_;
};

TEST_F(NodeSamplerTest, WhatACgroupOfLostEventsCountedIsTheNodesOnce) {
  Interval();
  probes_.Count(77, kGetppid, 5);
  probes_.Count(77, kRead, 3);
  EXPECT_THAT(Interval(), IsEmpty()) << "its event may still come";
  EXPECT_THAT(Interval(),
              ElementsAre(R"(container_syscalls_total{abi="x86_64", syscall="getppid"} 0 @1000)",
                          R"(container_syscalls_total{abi="x86_64", syscall="getppid"} 0 @3000)",
                          R"(container_syscalls_total{abi="x86_64", syscall="getppid"} 5 @4000)",
                          R"(container_syscalls_total{abi="x86_64", syscall="read"} 0 @1000)",
                          R"(container_syscalls_total{abi="x86_64", syscall="read"} 0 @3000)",
                          R"(container_syscalls_total{abi="x86_64", syscall="read"} 3 @4000)"));
  for (int64_t ts_ms = 5000; ts_ms < 10'000; ts_ms += 1000) {
    const std::string at = " @" + std::to_string(ts_ms);
    EXPECT_THAT(Interval(),
                ElementsAre(R"(container_syscalls_total{abi="x86_64", syscall="getppid"} 5)" + at,
                            R"(container_syscalls_total{abi="x86_64", syscall="read"} 3)" + at));
  }
  EXPECT_EQ(probes_.rows(), 0u) << "rows of what has ended fill the kernel's table";
}

TEST_F(NodeSamplerTest, AClockThatIsSetBackDelaysCountsAndLosesNone) {
  const auto counts = [&](const char* value) {
    return Contains(AllOf(HasSubstr("getppid"), HasSubstr(value)));
  };
  Interval();
  probes_.Count(77, kGetppid, 5);
  Interval();
  EXPECT_THAT(Interval(), counts("} 5 @4000"));
  now_ms_ -= 2500;
  probes_.Count(77, kGetppid, 3);
  testing::internal::CaptureStdout();
  EXPECT_THAT(Interval(), IsEmpty()) << "2.5 s";
  EXPECT_THAT(Interval(), IsEmpty()) << "3.5 s";
  EXPECT_THAT(Interval(), counts("} 8 @4500"));
  EXPECT_THAT(testing::internal::GetCapturedStdout(), HasSubstr("2 intervals were skipped"));
  double skipped = 0;
  for (const auto& family : registry_.Collect()) {
    if (family.name == "leadline_agent_intervals_skipped_total") {
      skipped = family.metric.at(0).counter.value;
    }
  }
  EXPECT_EQ(skipped, 2);
}

TEST_F(NodeSamplerTest, ProcessesBelongToTheNodeWhereNoTreeIsMounted) {
  CgroupInventory without(0, "", kStartMs, resolver_);
  prometheus::Registry registry;
  NodeSampler sampler({.cluster = "c", .node = "n", .processes = {.boot_id = "b"}}, {}, probes_,
                      without, resolver_, batcher_, registry);
  ASSERT_TRUE(without.Walk(kStartMs).ok());
  sampler.Sample(kStartMs + 1000);
  EXPECT_THAT(collector_.Take(), Contains(HasSubstr("process_memory_usage_bytes")));
}

TEST_F(NodeSamplerTest, AnUnknownCgroupWaitsForAWalkThatSucceeds) {
  Interval();
  probes_.Count(77, kGetppid, 5);
  for (int i = 0; i < 5; ++i) EXPECT_THAT(Interval(/*walk=*/false), IsEmpty());
  EXPECT_EQ(probes_.rows(), 1u);
}

TEST_F(NodeSamplerTest, AnUnknownCgroupThatAWalkFindsHasItsOwnCounts) {
  Interval();
  std::filesystem::create_directories(root_ + "/late");
  struct stat info {};
  ASSERT_EQ(stat((root_ + "/late").c_str(), &info), 0);
  probes_.Count(info.st_ino, kGetppid, 5);
  EXPECT_THAT(Interval(/*walk=*/false), IsEmpty());
  EXPECT_THAT(Interval(), Contains(HasSubstr("5 @4000")));
  const auto owner = resolver_.EntityOf({.id = info.st_ino});
  ASSERT_TRUE(owner.has_value());
  EXPECT_EQ(resolver_.Find(*owner)->labels.Get("id"), "/late");
}

// The figures of a container count those within it, so only one of the two reports them.
struct Nested {
  const char* name;
  std::string outer;
  std::string inner;
  std::string reported;  // CPU seconds: 5 of the outer, 2 of the inner
  bool inner_pod_known = false;
};

class NestedContainers : public NodeSamplerTest, public testing::WithParamInterface<Nested> {};

TEST_P(NestedContainers, AreReportedOnce) {
  const Nested& nested = GetParam();
  MakeContainer(nested.outer, 5);
  MakeContainer(nested.outer + nested.inner, 2);
  if (nested.inner_pod_known) {
    auto pod = std::make_shared<kube::Pod>();
    pod->meta.uid = kInnerUid;
    resolver_.OnEvent(meta::PodApplied{pod}, now_ms_);
  }
  EXPECT_THAT(Interval(/*walk=*/true, "container_cpu_usage_seconds_total "),
              Contains("container_cpu_usage_seconds_total " + nested.reported + " @2000"));
  EXPECT_THAT(Interval(/*walk=*/true, "container_cpu_usage_seconds_total "), SizeIs(1));
}

const std::string kDocker = "/docker/" + std::string(64, 'a');
const std::string kInPod =
    "/kubepods/pod11111111-2222-3333-4444-555555555555/" + std::string(64, 'a');
const std::string kPodWithin =
    std::string("/kubepods/pod") + kInnerUid + "/" + std::string(64, 'b');

INSTANTIATE_TEST_SUITE_P(All, NestedContainers,
                         testing::Values(Nested{"DockerInAPod", kInPod,
                                                "/docker/" + std::string(64, 'b'), "5"},
                                         Nested{"NodeInDocker", kDocker, kPodWithin, "2"},
                                         Nested{"UnknownPodInAPod", kInPod, kPodWithin, "5"},
                                         Nested{"KnownPodInAPod", kInPod, kPodWithin, "2", true}),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace leadline::agent
