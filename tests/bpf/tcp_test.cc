// TCP connections of the test's own processes, which know what they do.
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "tests/bpf/connections_fixture.h"
#include "tests/bpf/sockets.h"

namespace leadline::testing {
namespace {

constexpr char kLocal[] = "127.0.0.1";
constexpr int kRounds = 25;
constexpr size_t kAsked = 70'000;
constexpr size_t kAnswered = 150'001;

class TcpTest : public ConnectionsTest {
 protected:
  TestCgroup clients_;
};

INSTANTIATE_TEST_SUITE_P(Hooks, TcpTest,
                         ::testing::Values("raw_tp/", "tp_btf/inet_sock_set_state",
                                           "iter/bpf_map_elem"),
                         [](const auto& test) {
                           const std::string_view avoided(test.param);
                           if (avoided == "raw_tp/") return "TpBtf";
                           return avoided == "iter/bpf_map_elem" ? "WalkByRuns" : "RawTp";
                         });

// Counts with these, and 0 for the rest.
std::vector<uint64_t> Counts(const std::vector<std::pair<tcp_count, uint64_t>>& values) {
  std::vector<uint64_t> counts(TCP_COUNT_END);
  for (const auto& [count, value] : values) counts[count] = value;
  return counts;
}

// The row's counts without those that the machine's speed has a part in.
std::vector<uint64_t> Certain(const Connections& row) {
  std::vector<uint64_t> counts = row.counts;
  for (const tcp_count count :
       {TCP_SENT_SEGMENTS, TCP_RECEIVED_SEGMENTS, TCP_RETRANSMITS, TCP_LIFETIME_US}) {
    counts[count] = 0;
  }
  return counts;
}

// Of closed connections in which something went both ways.
void ExpectPlausible(const Connections& row, uint64_t connections) {
  EXPECT_EQ(row.open, 0u);
  // At least a part of the handshake, payload, acknowledgement, end; loopback's hold up to 64 KiB.
  EXPECT_GE(row.counts[TCP_SENT_SEGMENTS], connections * 4);
  EXPECT_LT(row.counts[TCP_SENT_SEGMENTS], connections * 200);
  EXPECT_GE(row.counts[TCP_RECEIVED_SEGMENTS], connections * 4);
  EXPECT_LT(row.counts[TCP_RECEIVED_SEGMENTS], connections * 200);
  EXPECT_GT(row.counts[TCP_LIFETIME_US], connections * 10);
  EXPECT_LT(row.counts[TCP_LIFETIME_US], connections * 10'000'000);
  EXPECT_GE(row.rtt_samples, connections);
  EXPECT_GT(row.rtt_sum_us, 0u);
  EXPECT_LT(row.rtt_sum_us, row.rtt_samples * 1'000'000);
}

void Answer(const Socket& listener) {
  for (int i = 0; i < kRounds; ++i) {
    const Socket connection = listener.Accept();
    connection.Receive(kAsked);
    connection.Send(kAnswered);
    connection.ReceiveAll();
  }
}

void Ask(const std::string& host, uint16_t port) {
  for (int i = 0; i < kRounds; ++i) {
    const Socket connection = Connect(host, port);
    connection.Send(kAsked);
    connection.Receive(kAnswered);
  }
}

// Opens all connections before it asks over the first; who answers takes one after the other.
void AskOverAllAtOnce(const std::string& host, uint16_t port) {
  std::vector<Socket> connections;
  for (int i = 0; i < kRounds; ++i) connections.push_back(Connect(host, port));
  for (Socket& connection : connections) {
    connection.Send(kAsked);
    connection.Receive(kAnswered);
    connection.Close();
  }
}

// Runs `child` in a process of its own beside `parent`.
template <typename Child, typename Parent>
bool RunBoth(Child child, Parent parent) {
  const pid_t pid = fork();
  if (pid == 0) {
    child();
    _exit(0);
  }
  parent();
  int status = -1;
  return waitpid(pid, &status, 0) == pid && status == 0;
}

struct Family {
  const char* name;
  const char* listen_on;
  const char* connect_to;
  const char* remote;  // as both ends see it
};
constexpr Family kFamilies[] = {{"IPv4", "127.0.0.1", "127.0.0.1", "127.0.0.1"},
                                {"IPv6", "::1", "::1", "::1"},
                                {"IPv4 to a server of both", "::", "127.0.0.1", "127.0.0.1"},
                                {"IPv4 by IPv6", "127.0.0.1", "::ffff:127.0.0.1", "127.0.0.1"}};

// As within a pod.
TEST_P(TcpTest, BothEndsInOneCgroupCountEachInItsRole) {
  for (const Family& family : kFamilies) {
    SCOPED_TRACE(family.name);
    Shared<uint16_t> port;
    ASSERT_TRUE(RunIn(cgroup_, [&] {
      const Socket listener = Listen(family.listen_on);
      *port = PortOf(listener);
      return RunBoth([&] { Answer(listener); }, [&] { Ask(family.connect_to, *port); });
    }));
    const Connections client =
        ReadTcp(cgroup_, ClientOf(family.remote, *port), TCP_CLOSED, kRounds);
    EXPECT_EQ(Certain(client), Counts({{TCP_SENT_BYTES, kRounds * kAsked},
                                       {TCP_RECEIVED_BYTES, kRounds * kAnswered},
                                       {TCP_CONNECTS, kRounds},
                                       {TCP_CLOSED, kRounds}}));
    ExpectPlausible(client, kRounds);
    const Connections server =
        ReadTcp(cgroup_, ServerOf(*port, family.remote), TCP_CLOSED, kRounds);
    EXPECT_EQ(Certain(server), Counts({{TCP_SENT_BYTES, kRounds * kAnswered},
                                       {TCP_RECEIVED_BYTES, kRounds * kAsked},
                                       {TCP_ACCEPTS, kRounds},
                                       {TCP_CLOSED, kRounds}}));
    ExpectPlausible(server, kRounds);
  }
}

TEST_P(TcpTest, EachEndBelongsToTheCgroupOfItsSocket) {
  Shared<uint16_t> port;
  Baton listening;
  CgroupProcess server(cgroup_, [&] {
    const Socket listener = Listen(kLocal);
    *port = PortOf(listener);
    listening.Pass();
    Answer(listener);
    return true;
  });
  server.Start();
  listening.Take();
  ASSERT_TRUE(RunIn(clients_, [&] {
    Ask(kLocal, *port);
    return true;
  }));
  ASSERT_TRUE(server.Wait());
  ReadTcp(cgroup_, ServerOf(*port, kLocal), TCP_CLOSED, kRounds);
  ReadTcp(clients_, ClientOf(kLocal, *port), TCP_CLOSED, kRounds);
  EXPECT_EQ(ReadTcp(cgroup_).size(), 1u);
  EXPECT_EQ(ReadTcp(clients_).size(), 1u);
}

TEST_P(TcpTest, OpenConnectionsCountAtEveryRead) {
  if (!HasWalk()) GTEST_SKIP() << "this kernel forbids iterators over maps";
  Shared<uint16_t> port;
  Baton ready, next;
  CgroupProcess process(cgroup_, [&] {
    const Socket listener = Listen(kLocal);
    *port = PortOf(listener);
    Socket client = Connect(kLocal, *port);
    const Socket server = listener.Accept();
    for (const size_t bytes : {1000, 500}) {
      client.Send(bytes);
      server.Receive(bytes);
      client.WaitAcknowledged();
      ready.Pass();
      next.Take();
    }
    client.Close();
    server.ReceiveAll();
    return true;
  });
  process.Start();
  for (const uint64_t sent : {1000, 1500}) {
    ready.Take();
    for (int reads = 0; reads < 3; ++reads) {
      ByPeer rows = ReadTcp(cgroup_);
      const Connections& client = rows[ClientOf(kLocal, *port)];
      EXPECT_EQ(Certain(client), Counts({{TCP_SENT_BYTES, sent}, {TCP_CONNECTS, 1}}));
      EXPECT_EQ(client.open, 1u);
      EXPECT_GE(client.counts[TCP_SENT_SEGMENTS], 3u);
      const Connections& server = rows[ServerOf(*port, kLocal)];
      EXPECT_EQ(Certain(server), Counts({{TCP_RECEIVED_BYTES, sent}, {TCP_ACCEPTS, 1}}));
      EXPECT_EQ(server.open, 1u);
    }
    next.Pass();
  }
  ASSERT_TRUE(process.Wait());
  const Connections client = ReadTcp(cgroup_, ClientOf(kLocal, *port), TCP_CLOSED, 1);
  EXPECT_EQ(Certain(client), Counts({{TCP_SENT_BYTES, 1500}, {TCP_CONNECTS, 1}, {TCP_CLOSED, 1}}));
  EXPECT_EQ(client.open, 0u);
  // Once a read in which something had come in, and at the end; idle ones in between do not count.
  EXPECT_GE(client.rtt_samples, 2u);
  EXPECT_LE(client.rtt_samples, 4u);
}

TEST_P(TcpTest, CountsRefusedConnects) {
  constexpr int kTries = 13;
  const Socket nobody_listens = Bind(kLocal, SOCK_STREAM);
  const uint16_t port = PortOf(nobody_listens);
  ASSERT_TRUE(RunIn(cgroup_, [&] {
    for (int i = 0; i < kTries; ++i) {
      if (TryConnect(kLocal, port, SOCK_STREAM).second != ECONNREFUSED) return false;
    }
    return true;
  }));
  const Connections row = ReadTcp(cgroup_, ClientOf(kLocal, port), TCP_CONNECT_REFUSED, kTries);
  EXPECT_EQ(row.counts, Counts({{TCP_CONNECT_REFUSED, kTries}}));
  EXPECT_EQ(row.open, 0u);
}

TEST_P(TcpTest, CountsConnectsThatTimeOutOrAreGivenUp) {
  Shared<uint16_t> port;
  ASSERT_TRUE(RunIn(cgroup_, [&] {
    Socket listener = Listen(kLocal);
    listener.Lose(true);
    *port = PortOf(listener);
    Socket given_up(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
    const Address address(kLocal, *port);
    if (connect(given_up.fd(), address.get(), address.size()) == 0) return false;
    given_up.Close();
    Socket waiting(socket(AF_INET, SOCK_STREAM, 0));
    waiting.Set(IPPROTO_TCP, TCP_SYNCNT, 1);
    return connect(waiting.fd(), address.get(), address.size()) != 0 && errno == ETIMEDOUT;
  }));
  const Connections row = ReadTcp(cgroup_, ClientOf(kLocal, *port), TCP_CONNECT_TIMED_OUT, 1);
  EXPECT_EQ(row.counts, Counts({{TCP_CONNECT_TIMED_OUT, 1}, {TCP_CONNECT_ABORTED, 1}}));
}

// A neighbour that does not answer, on an interface of the process' own.
TEST_P(TcpTest, CountsConnectsToNowhere) {
  constexpr char kNowhere[] = "10.199.0.2";
  constexpr uint16_t kPort = 80;
  ASSERT_TRUE(RunIn(cgroup_, [&] {
    Require(unshare(CLONE_NEWNET) == 0, "unshare");
    Require(system("ip link set lo up && ip link add near type veth peer name far && ip addr add "
                   "10.199.0.1/24 dev near && "
                   "ip link set near up && ip link set far up && "
                   "echo 50 > /proc/sys/net/ipv4/neigh/near/retrans_time_ms") == 0,
            "ip");
    return TryConnect(kNowhere, kPort, SOCK_STREAM).second == EHOSTUNREACH;
  }));
  const Connections row = ReadTcp(cgroup_, ClientOf(kNowhere, kPort), TCP_CONNECT_UNREACHABLE, 1);
  EXPECT_EQ(row.counts, Counts({{TCP_CONNECT_UNREACHABLE, 1}}));
}

TEST_P(TcpTest, CountsConnectionsThatThePeerResets) {
  constexpr int kResets = 7;
  Shared<uint16_t> port;
  ASSERT_TRUE(RunIn(cgroup_, [&] {
    const Socket listener = Listen(kLocal);
    *port = PortOf(listener);
    for (int i = 0; i < kResets; ++i) {
      const Socket client = Connect(kLocal, *port);
      Socket server = listener.Accept();
      client.Send(10);
      server.Receive(10);
      server.ResetOnClose();
      server.Close();
      client.ReceiveAll();
    }
    return true;
  }));
  const Connections client = ReadTcp(cgroup_, ClientOf(kLocal, *port), TCP_CLOSED, kResets);
  EXPECT_EQ(Certain(client), Counts({{TCP_SENT_BYTES, 10 * kResets},
                                     {TCP_CONNECTS, kResets},
                                     {TCP_CLOSED, kResets},
                                     {TCP_RESET, kResets}}));
  // Who resets has no failure.
  const Connections server = ReadTcp(cgroup_, ServerOf(*port, kLocal), TCP_CLOSED, kResets);
  EXPECT_EQ(
      Certain(server),
      Counts({{TCP_RECEIVED_BYTES, 10 * kResets}, {TCP_ACCEPTS, kResets}, {TCP_CLOSED, kResets}}));
}

TEST_P(TcpTest, CountsRetransmitsAndConnectionsThatTimeOut) {
  Shared<uint16_t> port;
  Shared<uint64_t> retransmits;
  ASSERT_TRUE(RunIn(cgroup_, [&] {
    const Socket listener = Listen(kLocal);
    *port = PortOf(listener);
    Socket client = Connect(kLocal, *port);
    Socket server = listener.Accept();
    server.Lose(true);
    client.Send(100);
    while (client.Info().tcpi_total_retrans < 2) {
    }
    server.Lose(false);
    server.Receive(100);
    client.WaitAcknowledged();
    server.Lose(true);
    client.Set(IPPROTO_TCP, TCP_USER_TIMEOUT, 100);
    client.Send(50);
    // The socket keeps its counters until it is closed by us.
    pollfd ended = {.fd = client.fd(), .events = POLLIN};
    Require(poll(&ended, 1, -1) == 1, "poll");
    int error = 0;
    socklen_t size = sizeof(error);
    getsockopt(client.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
    *retransmits = client.Info().tcpi_total_retrans;
    return error == ETIMEDOUT;
  }));
  const Connections client = ReadTcp(cgroup_, ClientOf(kLocal, *port), TCP_CLOSED, 1);
  EXPECT_EQ(Certain(client),
            Counts({{TCP_SENT_BYTES, 100}, {TCP_CONNECTS, 1}, {TCP_CLOSED, 1}, {TCP_TIMED_OUT, 1}}))
      << "what was not acknowledged is not sent";
  EXPECT_GE(*retransmits, 3u);
  EXPECT_EQ(client.counts[TCP_RETRANSMITS], *retransmits);
}

// Made before the probes, in two network namespaces that are not the agent's.
TEST_P(TcpTest, TakesInConnectionsThatAreOlderThanTheProbes) {
  if (!HasWalk()) GTEST_SKIP() << "this kernel forbids iterators over maps";
  probes_ = nullptr;
  struct Pod {
    TestCgroup cgroup;
    Shared<uint16_t> port;
    Baton ready, next;
    std::unique_ptr<CgroupProcess> process;
  };
  Pod pods[2];
  for (Pod& pod : pods) {
    pod.process = std::make_unique<CgroupProcess>(pod.cgroup, [&pod] {
      Require(unshare(CLONE_NEWNET) == 0, "unshare");
      Require(system("ip link set lo up") == 0, "ip");
      const Socket listener = Listen(kLocal);
      *pod.port = PortOf(listener);
      Socket client = Connect(kLocal, *pod.port);
      const Socket server = listener.Accept();
      for (const size_t bytes : {5000, 700}) {
        client.Send(bytes);
        server.Receive(bytes);
        client.WaitAcknowledged();
        pod.ready.Pass();
        pod.next.Take();
      }
      client.Close();
      server.ReceiveAll();
      return true;
    });
    pod.process->Start();
    pod.ready.Take();
  }
  Load({});
  const auto expect_open = [&](Pod& pod, uint64_t bytes) {
    ByPeer rows = ReadTcp(pod.cgroup);
    const Connections& client = rows[ClientOf(kLocal, *pod.port)];
    EXPECT_EQ(Certain(client), Counts({{TCP_SENT_BYTES, bytes}}));
    EXPECT_EQ(client.open, 1u);
    const Connections& server = rows[ServerOf(*pod.port, kLocal)];
    EXPECT_EQ(Certain(server), Counts({{TCP_RECEIVED_BYTES, bytes}}));
    EXPECT_EQ(server.open, 1u);
    EXPECT_EQ(rows.size(), 2u);
  };
  for (Pod& pod : pods) {
    expect_open(pod, 0);
    pod.next.Pass();
    pod.ready.Take();
    expect_open(pod, 700);
    pod.next.Pass();
    EXPECT_TRUE(pod.process->Wait());
    const Connections client = ReadTcp(pod.cgroup, ClientOf(kLocal, *pod.port), TCP_CLOSED, 1);
    EXPECT_EQ(Certain(client), Counts({{TCP_SENT_BYTES, 700}, {TCP_CLOSED, 1}}));
    EXPECT_EQ(client.open, 0u);
    EXPECT_GT(client.counts[TCP_LIFETIME_US], 0u);
  }
}

// Makes `connections` of them, each to a port of its own, each with 10 bytes; all closed.
bool MakeManyPeers(int connections) {
  std::vector<Socket> listeners;  // kept, so that no port is given twice
  for (int i = 0; i < connections; ++i) {
    listeners.push_back(Listen(kLocal));
    Socket client = Connect(kLocal, PortOf(listeners.back()));
    const Socket server = listeners.back().Accept();
    client.Send(10);
    server.Receive(10);
    client.Close();
    server.ReceiveAll();
  }
  return true;
}

TEST_P(TcpTest, KeepsTheTotalsOfEachRoleWhenTheTableIsFull) {
  constexpr uint32_t kPeers = 540, kRows = 512;
  Load({.tcp_rows = 4 * kRows});  // a quarter for a cgroup and role; the machine needs some too
  ASSERT_TRUE(RunIn(cgroup_, [&] { return MakeManyPeers(kPeers); }));
  const auto total = [](const ByPeer& rows, tcp_count count) {
    uint64_t sum = 0;
    for (const auto& [peer, row] : rows) sum += row.counts[count];
    return sum;
  };
  ByPeer rows;
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  do {
    rows = ReadTcp(cgroup_);
  } while (total(rows, TCP_CLOSED) < 2 * kPeers && std::chrono::steady_clock::now() < give_up);
  EXPECT_EQ(total(rows, TCP_CLOSED), 2 * kPeers);
  EXPECT_EQ(total(rows, TCP_CONNECTS), kPeers);
  EXPECT_EQ(total(rows, TCP_ACCEPTS), kPeers);
  EXPECT_EQ(total(rows, TCP_SENT_BYTES), 10 * kPeers);
  EXPECT_EQ(total(rows, TCP_RECEIVED_BYTES), 10 * kPeers);
  // CPUs that take rows at once may take one more each.
  constexpr uint32_t kMore = 8;
  EXPECT_LE(rows.size(), 2 * (kRows + 1) + kMore);
  EXPECT_GE(LossOf("tcp_row_cgroup_other") + kMore, 2 * (kPeers - kRows));
  EXPECT_EQ(LossOf("tcp_row_uncounted"), 0u);
}

// All are open at once where there is room for two, which others may have.
TEST_P(TcpTest, AConnectionWithoutRoomCountsWhenItEnds) {
  Load({.tcp_connections = 1});
  Shared<uint16_t> port;
  ASSERT_TRUE(RunIn(cgroup_, [&] {
    const Socket listener = Listen(kLocal);
    *port = PortOf(listener);
    return RunBoth([&] { Answer(listener); }, [&] { AskOverAllAtOnce(kLocal, *port); });
  }));
  EXPECT_EQ(Certain(ReadTcp(cgroup_, ClientOf(kLocal, *port), TCP_CLOSED, kRounds)),
            Counts({{TCP_SENT_BYTES, kRounds * kAsked},
                    {TCP_RECEIVED_BYTES, kRounds * kAnswered},
                    {TCP_CONNECTS, kRounds},
                    {TCP_CLOSED, kRounds}}));
  EXPECT_EQ(Certain(ReadTcp(cgroup_, ServerOf(*port, kLocal), TCP_CLOSED, kRounds)),
            Counts({{TCP_SENT_BYTES, kRounds * kAnswered},
                    {TCP_RECEIVED_BYTES, kRounds * kAsked},
                    {TCP_ACCEPTS, kRounds},
                    {TCP_CLOSED, kRounds}}));
  EXPECT_GE(LossOf("tcp_connection_untracked"), 2u * kRounds - 2);
}

// This process is the agent; who connects to it is not.
TEST_P(TcpTest, TheAgentsOwnSocketsCountNowhere) {
  const Socket listener = Listen(kLocal);
  const uint16_t port = PortOf(listener);
  ASSERT_TRUE(RunBoth(
      [&] {
        const Socket theirs = Connect(kLocal, port);
        theirs.ReceiveAll();
      },
      [&] {
        listener.Accept().Send(10);
        Socket own = Connect(kLocal, port);
        listener.Accept().Send(10);
        own.ReceiveAll();
      }));
  uint64_t connects = 0;
  const auto count = [&](const ConnectionCounters& row) {
    EXPECT_NE(row.peer.local_port, port);
    if (row.peer.remote_port == port) connects += row.counts[TCP_CONNECTS];
  };
  ASSERT_TRUE(probes_->ReadTcp(count).ok());
  EXPECT_EQ(connects, 1u);
}

TEST_P(TcpTest, GivesUpTheRowsOfACgroupThatHasEnded) {
  ASSERT_TRUE(RunIn(cgroup_, [&] { return MakeManyPeers(2); }));
  EXPECT_EQ(ReadTcp(cgroup_).size(), 4u);
  probes_->Forget(cgroup_.id());
  const ByPeer rows = ReadTcp(cgroup_);
  EXPECT_EQ(rows.size(), 4u);
  for (const auto& [peer, row] : rows) EXPECT_TRUE(row.last);
  EXPECT_TRUE(ReadTcp(cgroup_).empty());
}

}  // namespace
}  // namespace leadline::testing
