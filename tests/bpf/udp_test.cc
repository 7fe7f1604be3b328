// UDP of the test's own processes, which know what they do.
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/bpf/connections_fixture.h"
#include "tests/bpf/sockets.h"

namespace leadline::testing {
namespace {

constexpr char kLocal[] = "127.0.0.1";
constexpr int kDatagrams = 40;
constexpr size_t kBytes = 300;

class UdpTest : public ConnectionsTest {
 protected:
  void SetUp() override {
    ConnectionsTest::SetUp();
    if (HasFatalFailure()) return;
    for (const auto& probe : probes_->report().probes) {
      if (probe.name == "udp_send" && !probe.attached()) GTEST_SKIP() << "needs kernel 6.3";
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Hooks, UdpTest, ::testing::Values("raw_tp/", "tp_btf/sock_"),
                         [](const auto& test) {
                           return std::string_view(test.param) == "raw_tp/" ? "TpBtf" : "RawTp";
                         });

std::vector<uint64_t> Counts(uint64_t sent, uint64_t received) {
  std::vector<uint64_t> counts(UDP_COUNT_END);
  counts[UDP_SENT_BYTES] = sent * kBytes;
  counts[UDP_RECEIVED_BYTES] = received * kBytes;
  counts[UDP_SENT_DATAGRAMS] = sent;
  counts[UDP_RECEIVED_DATAGRAMS] = received;
  return counts;
}

// To whoever sent what it receives.
void Echo(const Socket& socket) {
  sockaddr_storage from = {};
  socklen_t size = sizeof(from);
  char data[kBytes];
  Require(recvfrom(socket.fd(), data, sizeof(data), 0, reinterpret_cast<sockaddr*>(&from), &size) ==
              kBytes,
          "recvfrom");
  Require(sendto(socket.fd(), data, kBytes, 0, reinterpret_cast<sockaddr*>(&from), size) == kBytes,
          "sendto");
}

TEST_P(UdpTest, CountsBothWaysOfConnectedClientsAndTheirServer) {
  const struct {
    const char* listen_on;
    const char* connect_to;
    const char* remote;
  } families[] = {{"127.0.0.1", "127.0.0.1", "127.0.0.1"},
                  {"::1", "::1", "::1"},
                  {"::", "::ffff:127.0.0.1", "127.0.0.1"}};
  for (const auto& family : families) {
    SCOPED_TRACE(family.connect_to);
    Shared<uint16_t> port;
    ASSERT_TRUE(RunIn(cgroup_, [&] {
      *port = PortOf(Bind(family.listen_on, SOCK_DGRAM));
      // Who asks for its port serves.
      const Socket server = Bind(family.listen_on, SOCK_DGRAM, *port);
      const Socket client = Connect(family.connect_to, *port, SOCK_DGRAM);
      for (int i = 0; i < kDatagrams; ++i) {
        client.Send(kBytes);
        Echo(server);
        char data[kBytes];
        Require(recv(client.fd(), data, sizeof(data), MSG_PEEK) == kBytes, "peek");
        client.Receive(kBytes);
      }
      Require(recv(client.fd(), nullptr, 0, MSG_DONTWAIT) < 0, "nothing more");
      return true;
    }));
    ByPeer rows = ReadUdp(cgroup_);
    EXPECT_EQ(rows[ClientOf(family.remote, *port)].counts, Counts(kDatagrams, kDatagrams));
    EXPECT_EQ(rows[ServerOf(*port, "")].counts, Counts(kDatagrams, kDatagrams));
  }
}

TEST_P(UdpTest, AClientThatIsNotConnectedHasNoPeer) {
  ASSERT_TRUE(RunIn(cgroup_, [&] {
    const Socket server = Bind(kLocal, SOCK_DGRAM);
    const Address address(kLocal, PortOf(server));
    const Socket client(socket(AF_INET, SOCK_DGRAM, 0));
    const std::string data(kBytes, 'x');
    for (int i = 0; i < kDatagrams; ++i) {
      Require(sendto(client.fd(), data.data(), kBytes, 0, address.get(), address.size()) == kBytes,
              "sendto");
    }
    return true;
  }));
  const ByPeer rows = ReadUdp(cgroup_);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows.begin()->first, ClientOf("", 0));
  EXPECT_EQ(rows.begin()->second.counts, Counts(kDatagrams, 0));
}

TEST_P(UdpTest, TcpDoesNotCount) {
  ASSERT_TRUE(RunIn(cgroup_, [&] {
    const Socket listener = Listen(kLocal);
    const Socket client = Connect(kLocal, PortOf(listener));
    client.Send(kBytes);
    listener.Accept().Receive(kBytes);
    return true;
  }));
  EXPECT_TRUE(ReadUdp(cgroup_).empty());
}

TEST_P(UdpTest, KeepsTheTotalWhenTheTableIsFull) {
  constexpr uint64_t kPeers = 80, kRows = 64;
  Load({.udp_rows = 4 * kRows});  // a quarter for a cgroup and role; the machine needs some too
  ASSERT_TRUE(RunIn(cgroup_, [&] {
    std::vector<Socket> servers;  // open until the end: the kernel gives a closed port again
    for (uint64_t i = 0; i < kPeers; ++i) {
      const Socket& server = servers.emplace_back(Bind(kLocal, SOCK_DGRAM));
      Connect(kLocal, PortOf(server), SOCK_DGRAM).Send(kBytes);
    }
    return true;
  }));
  uint64_t sent = 0;
  const ByPeer rows = ReadUdp(cgroup_);
  for (const auto& [peer, row] : rows) sent += row.counts[UDP_SENT_DATAGRAMS];
  EXPECT_EQ(sent, kPeers);
  EXPECT_EQ(rows.size(), kRows + 1);
  EXPECT_GE(LossOf("udp_row_cgroup_other"), kPeers - kRows);
}

TEST_P(UdpTest, DoesNotCountWhileItIsGivenUp) {
  const auto send = [&] {
    ASSERT_TRUE(RunIn(cgroup_, [&] {
      const Socket server = Bind(kLocal, SOCK_DGRAM);
      Connect(kLocal, PortOf(server), SOCK_DGRAM).Send(kBytes);
      return true;
    }));
  };
  ASSERT_TRUE(probes_->SetEffort({.requests_one_in = 0, .counts_datagrams = false}).ok());
  send();
  EXPECT_TRUE(ReadUdp(cgroup_).empty());
  ASSERT_TRUE(probes_->SetEffort({}).ok());
  send();
  const ByPeer rows = ReadUdp(cgroup_);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows.begin()->second.counts, Counts(1, 0));
}

TEST_P(UdpTest, GivesUpTheRowsOfACgroupThatHasEnded) {
  ASSERT_TRUE(RunIn(cgroup_, [&] {
    const Socket server = Bind(kLocal, SOCK_DGRAM);
    Connect(kLocal, PortOf(server), SOCK_DGRAM).Send(kBytes);
    return true;
  }));
  EXPECT_EQ(ReadUdp(cgroup_).size(), 1u);
  probes_->Forget(cgroup_.id());
  EXPECT_EQ(ReadUdp(cgroup_).size(), 1u);
  EXPECT_TRUE(ReadUdp(cgroup_).empty());
}

}  // namespace
}  // namespace leadline::testing
