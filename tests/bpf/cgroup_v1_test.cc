// Counting by the cgroups of a v1 hierarchy, for machines where containers have no others.
//
// A v1 controller's hierarchy is there wherever it is not v2's; without one there is nothing to
// see.
#include <sys/syscall.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "gtest/gtest.h"

#include "agent/probes/probes.h"
#include "tests/bpf/cgroup_fixture.h"
#include "tests/bpf/connections_fixture.h"
#include "tests/bpf/probes_fixture.h"
#include "tests/bpf/sockets.h"

namespace leadline::testing {
namespace {

using agent::CgroupHierarchy;
using agent::probes::LifecycleEvent;
using agent::probes::ProcessCounters;

constexpr long kRareCall = SYS_sched_get_priority_max;

// By the line of /proc/self/cgroup; number 0 where the controller has no hierarchy of v1.
CgroupHierarchy HierarchyOf(const std::string& controller) {
  std::ifstream cgroups("/proc/self/cgroup");
  std::string line;
  while (std::getline(cgroups, line)) {
    const size_t colon = line.find(':');
    const std::string controllers = line.substr(colon + 1, line.rfind(':') - colon - 1);
    if (("," + controllers + ",").find("," + controller + ",") == std::string::npos) continue;
    return {.number = static_cast<uint32_t>(std::stoul(line)), .controller = controller};
  }
  return {};
}

std::string MountOf(const std::string& controller) {
  std::ifstream mounts("/proc/self/mounts");
  std::string device, directory, type, options, rest;
  while (mounts >> device >> directory >> type >> options && std::getline(mounts, rest)) {
    if (type == "cgroup" && ("," + options + ",").find("," + controller + ",") != options.npos) {
      return directory;
    }
  }
  return "";
}

struct Way {
  std::string controller;
  std::string avoid;
};

class CgroupV1 : public ::testing::TestWithParam<Way> {
 protected:
  void SetUp() override {
    const CgroupHierarchy hierarchy = HierarchyOf(GetParam().controller);
    mount_ = MountOf(GetParam().controller);
    if (hierarchy.number == 0 || mount_.empty()) {
      GTEST_SKIP() << "no v1 hierarchy has " << GetParam().controller;
    }
    probes_ = LoadProbes({.hierarchy = hierarchy, .avoid_hooks = {GetParam().avoid}});
    ASSERT_NE(probes_, nullptr);
  }

  std::string mount_;
  std::unique_ptr<agent::probes::Probes> probes_;
};

INSTANTIATE_TEST_SUITE_P(Ways, CgroupV1,
                         ::testing::Values(Way{"memory", "raw_tp/"}, Way{"memory", "tp_btf/"},
                                           Way{"pids", "raw_tp/"}, Way{"pids", "tp_btf/"}),
                         [](const auto& test) {
                           return test.param.controller +
                                  (test.param.avoid == "raw_tp/" ? "ByTpBtf" : "ByRawTp");
                         });

TEST_P(CgroupV1, CountsSystemCallsByTheTasksCgroup) {
  TestCgroup cgroup(mount_);
  ASSERT_TRUE(RunIn(cgroup, [] {
    for (int i = 0; i < 321; ++i) syscall(kRareCall, 0);
    return true;
  }));
  EXPECT_EQ(RowOf(ReadRows(*probes_), cgroup.id(), kRareCall).counters.calls, 321u);
}

TEST_P(CgroupV1, CountsTheEndsOfProcessesByTheirCgroup) {
  TestCgroup cgroup(mount_);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(RunIn(cgroup, [] { return true; }));
  uint64_t exits = 0;
  ASSERT_TRUE(probes_
                  ->ReadProcesses([&](const ProcessCounters& row) {
                    if (row.cgroup_id == cgroup.id() && row.event == ProcessCounters::Event::kExit)
                      exits += row.count;
                  })
                  .ok());
  EXPECT_EQ(exits, 5u);
}

constexpr char kLocal[] = "127.0.0.1";
constexpr int kConnections = 7;

// Sums of a count over the rows of a cgroup.
template <typename Read>
uint64_t SumOf(Read read, const TestCgroup& cgroup, size_t count) {
  uint64_t sum = 0;
  const absl::Status status = read([&](const agent::probes::ConnectionCounters& row) {
    if (row.cgroup_id == cgroup.id()) sum += row.counts[count];
  });
  EXPECT_TRUE(status.ok()) << status;
  return sum;
}

// A process that accepts kConnections, and listens when this is made.
class AcceptingServer {
 public:
  explicit AcceptingServer(const TestCgroup& cgroup)
      : process_(cgroup, [this] {
          const Socket listener = Listen(kLocal);
          *port_ = PortOf(listener);
          listening_.Pass();
          for (int i = 0; i < kConnections; ++i) listener.Accept().ReceiveAll();
          return true;
        }) {
    process_.Start();
    listening_.Take();
  }

  uint16_t port() { return *port_; }
  bool Wait() { return process_.Wait(); }

 private:
  Shared<uint16_t> port_;
  Baton listening_;
  CgroupProcess process_;
};

TEST_P(CgroupV1, CountsConnectionsByTheCgroupsOfTheirOpenersAndListeners) {
  TestCgroup servers(mount_), clients(mount_);
  AcceptingServer server(servers);
  ASSERT_TRUE(RunIn(clients, [&] {
    for (int i = 0; i < kConnections; ++i) Connect(kLocal, server.port()).Send(100);
    return true;
  }));
  ASSERT_TRUE(server.Wait());
  const auto tcp = [&](const TestCgroup& cgroup, tcp_count count) {
    return SumOf([&](auto handler) { return probes_->ReadTcp(handler); }, cgroup, count);
  };
  EXPECT_EQ(tcp(servers, TCP_ACCEPTS), kConnections);
  EXPECT_EQ(tcp(servers, TCP_CONNECTS), 0u);
  EXPECT_EQ(tcp(clients, TCP_CONNECTS), kConnections);
  EXPECT_EQ(tcp(clients, TCP_ACCEPTS), 0u);
}

// The agent may come later than what listens and is connected.
TEST_P(CgroupV1, KnowsTheListenersThatWereThereBefore) {
  probes_ = nullptr;
  TestCgroup servers(mount_);
  AcceptingServer server(servers);
  SetUp();
  for (int i = 0; i < kConnections; ++i) Connect(kLocal, server.port()).Send(100);
  ASSERT_TRUE(server.Wait());
  EXPECT_EQ(SumOf([&](auto handler) { return probes_->ReadTcp(handler); }, servers, TCP_ACCEPTS),
            kConnections);
}

TEST_P(CgroupV1, ReportsTheCgroupsOfThatHierarchyAndNoOthers) {
  std::string path, path_of_v2;
  uint64_t id = 0;
  const std::string v2 = Cgroup2Mount();
  {
    if (!v2.empty()) path_of_v2 = TestCgroup(v2).directory().substr(v2.size());
    TestCgroup cgroup(mount_);
    path = cgroup.directory().substr(mount_.size());
    id = cgroup.id();
  }
  std::vector<LifecycleEvent::Kind> kinds;
  while (kinds.size() < 2) {
    const auto polled = probes_->PollLifecycle(absl::Seconds(10), [&](const LifecycleEvent& event) {
      EXPECT_NE(event.path, path_of_v2);
      if (event.cgroup_id == id && event.path == path) kinds.push_back(event.kind);
    });
    ASSERT_TRUE(polled.ok() && *polled > 0);
  }
  EXPECT_EQ(kinds[0], LifecycleEvent::Kind::kCgroupCreated);
  EXPECT_EQ(kinds[1], LifecycleEvent::Kind::kCgroupRemoved);
}

TEST(CgroupHierarchy, AControllerThatTheKernelDoesNotHaveIsRefusedByName) {
  const auto probes =
      agent::probes::Probes::Load({.hierarchy = {.number = 3, .controller = "teapot"}});
  ASSERT_TRUE(probes.ok()) << probes.status();
  for (const agent::probes::ProbeStatus& probe : (*probes)->report().probes) {
    EXPECT_FALSE(probe.attached()) << probe.name;
    for (const agent::probes::AlternativeReport& alternative : probe.alternatives) {
      EXPECT_NE(alternative.reason.find("teapot"), std::string::npos) << alternative.reason;
    }
  }
}

}  // namespace
}  // namespace leadline::testing
