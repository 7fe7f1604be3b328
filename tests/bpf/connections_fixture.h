// The real probes of TCP and UDP, by each way to set them, with a control group of the test's own.
#pragma once

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "gtest/gtest.h"

#include "agent/probes/probes.h"
#include "common/ip_address.h"
#include "tests/bpf/cgroup_fixture.h"
#include "tests/bpf/probes_fixture.h"
#include "tests/bpf/shared.h"
#include "tests/bpf/sockets.h"

namespace leadline::testing {

using agent::probes::ConnectionCounters;
using agent::probes::ConnectionPeer;
using Role = ConnectionPeer::Role;

// Hands the turn to another process, which may be this one's child.
class Baton {
 public:
  Baton() { Require(pipe(fds_) == 0, "pipe"); }
  ~Baton() {
    close(fds_[0]);
    close(fds_[1]);
  }
  Baton(const Baton&) = delete;
  Baton& operator=(const Baton&) = delete;

  void Pass() const { Require(write(fds_[1], "g", 1) == 1, "write"); }
  void Take() const {
    char go;
    Require(read(fds_[0], &go, 1) == 1, "read");
  }

 private:
  int fds_[2];
};

struct Connections {
  std::vector<uint64_t> counts;
  uint64_t open = 0;
  uint64_t rtt_sum_us = 0;
  uint64_t rtt_samples = 0;
  bool last = false;
};

// Role, remote address ("~other"), local port, remote port.
using PeerKey = std::tuple<Role, std::string, uint16_t, uint16_t>;
using ByPeer = std::map<PeerKey, Connections>;

inline PeerKey ClientOf(const std::string& remote, uint16_t port) {
  return {Role::kClient, remote, 0, port};
}
inline PeerKey ServerOf(uint16_t port, const std::string& remote) {
  return {Role::kServer, remote, port, 0};
}

// The parameter is the kind of hook to avoid.
class ConnectionsTest : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override { Load({}); }

  void Load(agent::probes::ProbeOptions options) {
    probes_ = nullptr;
    options.avoid_hooks = {GetParam()};
    probes_ = LoadProbes(options);
    ASSERT_NE(probes_, nullptr);
  }

  // Whether open connections are read, which some kernels do not allow.
  bool HasWalk() const {
    const auto& probes = probes_->report().probes;
    return std::none_of(probes.begin(), probes.end(), IsForbiddenWalk);
  }

  ByPeer ReadTcp(const TestCgroup& cgroup) {
    return Read(cgroup.id(), &agent::probes::Probes::ReadTcp);
  }
  // Until the row's count is as wanted: the kernel may end a connection a moment after its owner.
  Connections ReadTcp(const TestCgroup& cgroup, const PeerKey& peer, tcp_count count,
                      uint64_t wanted) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (true) {
      Connections row = ReadTcp(cgroup)[peer];
      row.counts.resize(TCP_COUNT_END);
      if (row.counts[count] == wanted) return row;
      if (std::chrono::steady_clock::now() < give_up) continue;
      ADD_FAILURE() << "count " << count << " is " << row.counts[count] << ", not " << wanted;
      return row;
    }
  }
  ByPeer ReadUdp(const TestCgroup& cgroup) {
    return Read(cgroup.id(), &agent::probes::Probes::ReadUdp);
  }

  uint64_t LossOf(std::string_view reason) const {
    return leadline::testing::LossOf(*probes_, reason);
  }

  TestCgroup cgroup_;
  std::unique_ptr<agent::probes::Probes> probes_;

 private:
  using Reader =
      absl::Status (agent::probes::Probes::*)(absl::FunctionRef<void(const ConnectionCounters&)>);

  ByPeer Read(uint64_t cgroup, Reader reader) {
    ByPeer rows;
    const absl::Status read = (*probes_.*reader)([&](const ConnectionCounters& row) {
      if (row.cgroup_id != cgroup) return;
      const ConnectionPeer& peer = row.peer;
      Connections& made = rows[{peer.role, peer.other ? "~other" : ToText(peer.remote),
                                peer.local_port, peer.remote_port}];
      EXPECT_TRUE(made.counts.empty()) << "two rows of " << ToText(peer.remote);
      made = {.counts = {row.counts.begin(), row.counts.end()},
              .open = row.open,
              .rtt_sum_us = row.rtt_sum_us,
              .last = row.last};
      for (const auto& bucket : row.rtt_buckets) made.rtt_samples += bucket.count;
    });
    EXPECT_TRUE(read.ok()) << std::string(read.message());
    return rows;
  }
};

}  // namespace leadline::testing
