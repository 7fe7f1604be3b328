// Requests between the test's own processes, which know how many they made.
#include <sys/sendfile.h>
#include <sys/uio.h>

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/probes/probes.h"
#include "tests/bpf/cgroup_fixture.h"
#include "tests/bpf/connections_fixture.h"
#include "tests/bpf/probes_fixture.h"
#include "tests/bpf/sockets.h"

namespace leadline::testing {
namespace {

using agent::probes::RequestCount;
using agent::protocols::base::Side;
using agent::requests::RequestCounters;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr char kLocal[] = "127.0.0.1";
constexpr int kRounds = 50;

std::string Request(std::string_view path, std::string_view body = "") {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         std::string(body);
}
std::string ResponseHead(int status, size_t body_bytes) {
  return "HTTP/1.1 " + std::to_string(status) +
         " whatever\r\nContent-Length: " + std::to_string(body_bytes) + "\r\n\r\n";
}
std::string Response(int status, std::string_view body = "") {
  return ResponseHead(status, body.size()) + std::string(body);
}

// How a process sends and receives: each sends or receives all.
struct Calls {
  const char* name;
  std::function<ssize_t(int fd, iovec* parts, int count)> send;
  std::function<ssize_t(int fd, char* to, size_t size)> receive;
};

msghdr Message(iovec* parts, int count) {
  msghdr message = {};
  message.msg_iov = parts;
  message.msg_iovlen = static_cast<size_t>(count);
  return message;
}

// One call a part.
template <typename Send>
ssize_t SendEach(iovec* parts, int count, Send send) {
  ssize_t all = 0;
  for (int i = 0; i < count; ++i) {
    const ssize_t sent = send(parts[i]);
    if (sent < 0) return sent;
    all += sent;
  }
  return all;
}

// In two parts, the first of which is short.
ssize_t ReceiveTwo(char* to, size_t size, const std::function<ssize_t(iovec*)>& receive) {
  const size_t first = std::min<size_t>(size, 10);
  iovec parts[] = {{.iov_base = to, .iov_len = first},
                   {.iov_base = to + first, .iov_len = size - first}};
  return receive(parts);
}

const Calls kCalls[] = {
    {"WriteAndRead",
     [](int fd, iovec* parts, int count) {
       return SendEach(parts, count,
                       [fd](iovec part) { return write(fd, part.iov_base, part.iov_len); });
     },
     [](int fd, char* to, size_t size) { return read(fd, to, size); }},
    {"SendAndReceive",
     [](int fd, iovec* parts, int count) {
       return SendEach(parts, count,
                       [fd](iovec part) { return send(fd, part.iov_base, part.iov_len, 0); });
     },
     [](int fd, char* to, size_t size) { return recv(fd, to, size, 0); }},
    {"Vectors", [](int fd, iovec* parts, int count) { return writev(fd, parts, count); },
     [](int fd, char* to, size_t size) {
       return ReceiveTwo(to, size, [fd](iovec* parts) { return readv(fd, parts, 2); });
     }},
    {"Messages",
     [](int fd, iovec* parts, int count) {
       const msghdr message = Message(parts, count);
       return sendmsg(fd, &message, 0);
     },
     [](int fd, char* to, size_t size) {
       return ReceiveTwo(to, size, [fd](iovec* parts) {
         msghdr message = Message(parts, 2);
         return recvmsg(fd, &message, 0);
       });
     }},
};

void SendAll(const Calls& calls, const Socket& socket, std::string first, std::string second = "") {
  iovec parts[] = {{.iov_base = first.data(), .iov_len = first.size()},
                   {.iov_base = second.data(), .iov_len = second.size()}};
  const auto sent = calls.send(socket.fd(), parts, second.empty() ? 1 : 2);
  Require(sent == static_cast<ssize_t>(first.size() + second.size()), "send");
}

void ReceiveAll(const Calls& calls, const Socket& socket, size_t bytes) {
  std::string data(bytes, 0);
  for (size_t at = 0; at < bytes;) {
    const ssize_t got = calls.receive(socket.fd(), &data[at], bytes - at);
    Require(got > 0, "receive");
    at += static_cast<size_t>(got);
  }
}

class RequestsTest : public ::testing::Test {
 protected:
  using Process = std::function<void(const Socket&)>;

  void SetUp() override { Load({}); }
  void Load(const agent::probes::ProbeOptions& options) {
    probes_ = nullptr;
    probes_ = LoadProbes(options);
    ASSERT_NE(probes_, nullptr);
    for (const auto& probe : probes_->report().probes) {
      if (probe.name.starts_with("requests_") && NeedsLaterKernel(probe)) {
        GTEST_SKIP() << "needs kernel 6.3";
      }
    }
  }

  // kRounds times, by write() and read().
  static Process Asks(const std::string& request, const std::string& response) {
    return [=](const Socket& socket) {
      for (int i = 0; i < kRounds; ++i) {
        SendAll(kCalls[0], socket, request);
        ReceiveAll(kCalls[0], socket, response.size());
      }
    };
  }
  static Process Answers(const std::string& request, const std::string& response) {
    return [=](const Socket& socket) {
      for (int i = 0; i < kRounds; ++i) {
        ReceiveAll(kCalls[0], socket, request.size());
        SendAll(kCalls[0], socket, response);
      }
    };
  }

  // Both over one connection, each in a process and cgroup of its own, to their ends.
  void Run(const Process& client, const Process& server) { RunWith({}, client, server); }
  // `between`: when they are connected, and have not begun.
  void RunWith(const std::function<void()>& between, const Process& client, const Process& server) {
    const Shared<uint16_t> port;
    const Baton connected;
    const Baton go;
    CgroupProcess serve(servers_, [&] {
      const Socket own = Listen(kLocal);
      *port = PortOf(own);
      connected.Pass();
      const Socket connection = own.Accept();
      server(connection);
      return true;
    });
    CgroupProcess ask(clients_, [&] {
      const Socket connection = Connect(kLocal, *port);
      connected.Pass();
      go.Take();
      client(connection);
      return true;
    });
    serve.Start();
    connected.Take();
    ask.Start();
    connected.Take();
    if (between) between();
    go.Pass();
    EXPECT_TRUE(ask.Wait());
    EXPECT_TRUE(serve.Wait());
  }

  // All that has been captured so far. A read takes a part of it, where others' requests are many.
  void TakeCaptured() {
    const size_t most = agent::probes::ProbeOptions().request_ring_bytes / sizeof(request_record);
    for (size_t taken = 0; taken < most; taken += agent::probes::RequestRing::kRecordsAtOnce) {
      EXPECT_TRUE(probes_->ReadRequests([](const RequestCounters&) {}).ok());
    }
  }

  // Requests by "method target status error", of a cgroup and side.
  std::map<std::string, uint64_t> Read(const TestCgroup& cgroup, Side side) {
    TakeCaptured();
    std::map<std::string, uint64_t> counts;
    const absl::Status read = probes_->ReadRequests([&](const RequestCounters& row) {
      if (row.cgroup_id != cgroup.id()) return;
      EXPECT_EQ(row.key.side, side);
      std::string text;
      for (const std::string_view part :
           {row.key.operation, row.key.target, row.key.status, row.key.error}) {
        if (!part.empty()) text += (text.empty() ? "" : " ") + std::string(part);
      }
      for (const auto& bucket : row.buckets) counts[text] += bucket.count;
    });
    EXPECT_TRUE(read.ok()) << std::string(read.message());
    return counts;
  }
  std::map<std::string, uint64_t> Clients() { return Read(clients_, Side::kClient); }
  std::map<std::string, uint64_t> Servers() { return Read(servers_, Side::kServer); }

  uint64_t CountOf(std::string_view protocol, std::string_view reason) {
    uint64_t sum = 0;
    for (const RequestCount& count : probes_->RequestCounts()) {
      if (count.protocol == protocol && count.reason == reason) sum += count.count;
    }
    return sum;
  }

  TestCgroup clients_;
  TestCgroup servers_;
  std::unique_ptr<agent::probes::Probes> probes_;
};

class RequestCallsTest : public RequestsTest, public ::testing::WithParamInterface<size_t> {};

INSTANTIATE_TEST_SUITE_P(Calls, RequestCallsTest, ::testing::Range(size_t{0}, std::size(kCalls)),
                         [](const auto& test) { return kCalls[test.param].name; });

TEST_P(RequestCallsTest, CountAtBothEnds) {
  const Calls& calls = kCalls[GetParam()];
  const std::string request = Request("/users/17/orders", "s3cr3t");
  const std::string response = Response(200, "hello");
  Run(
      [&](const Socket& socket) {
        for (int i = 0; i < kRounds; ++i) {
          SendAll(calls, socket, request);
          ReceiveAll(calls, socket, (i % 5 == 0 ? Response(404) : response).size());
        }
      },
      [&](const Socket& socket) {
        for (int i = 0; i < kRounds; ++i) {
          ReceiveAll(calls, socket, request.size());
          if (i % 5 == 0) {
            SendAll(calls, socket, Response(404));
          } else {
            SendAll(calls, socket, ResponseHead(200, 5), "hello");
          }
        }
      });
  const auto clients = Clients();
  const auto servers = Servers();
  EXPECT_THAT(clients, ElementsAre(Pair("POST /users/:id/orders 200", kRounds * 4 / 5),
                                   Pair("POST /users/:id/orders 404 404", kRounds / 5)));
  EXPECT_THAT(servers, ElementsAre(Pair("POST /users/:id/orders 200", kRounds * 4 / 5),
                                   Pair("POST /users/:id/orders 404", kRounds / 5)));
}

TEST_F(RequestsTest, PipelinedOnesCountEach) {
  constexpr int kAtOnce = 16;
  std::string requests, responses;
  for (int i = 0; i < kAtOnce; ++i) {
    requests += Request(i % 2 == 0 ? "/even" : "/odd");
    responses += Response(i % 2 == 0 ? 200 : 204);
  }
  Run(Asks(requests, responses), Answers(requests, responses));
  const auto all = ElementsAre(Pair("POST /even 200", kRounds * kAtOnce / 2),
                               Pair("POST /odd 204", kRounds * kAtOnce / 2));
  EXPECT_THAT(Clients(), all);
  EXPECT_THAT(Servers(), all);
}

TEST_F(RequestsTest, OfLargeBodiesOnlyTheBeginningIsCaptured) {
  constexpr size_t kBody = 3'000'000;
  constexpr int kLarge = 5;
  const std::string request = Request("/upload", std::string(kBody, 'u'));
  Run(
      [&](const Socket& socket) {
        for (int i = 0; i < kLarge; ++i) {
          SendAll(kCalls[0], socket, request);
          ReceiveAll(kCalls[0], socket, ResponseHead(200, kBody).size() + kBody);
        }
      },
      [&](const Socket& socket) {
        char path[] = "/tmp/leadline-requests-XXXXXX";
        const int file = mkstemp(path);
        Require(file >= 0 && unlink(path) == 0 && ftruncate(file, kBody) == 0, "file");
        for (int i = 0; i < kLarge; ++i) {
          ReceiveAll(kCalls[1], socket, request.size());
          SendAll(kCalls[0], socket, ResponseHead(200, kBody));
          off_t at = 0;
          while (static_cast<size_t>(at) < kBody) {
            Require(sendfile(socket.fd(), file, &at, kBody - static_cast<size_t>(at)) > 0,
                    "sendfile");
          }
        }
        close(file);
      });
  EXPECT_THAT(Clients(), ElementsAre(Pair("POST /upload 200", kLarge)));
  EXPECT_THAT(Servers(), ElementsAre(Pair("POST /upload 200", kLarge)));
  // Of others' requests some bytes may be missing meanwhile, of ours these would be.
  EXPECT_LT(CountOf("http1", "uncaptured"), kLarge * kBody) << "bytes that the parser needed";
}

TEST_F(RequestsTest, ConnectionsThatAreOlderThanTheAgentAreJoined) {
  probes_ = nullptr;
  const std::string request = Request("/a");
  const std::string response = Response(200);
  RunWith([&] { Load({}); }, Asks(request, response), Answers(request, response));
  // The first turns are left out until it is certain which response is whose (ADR 153).
  for (const auto& counts : {Clients(), Servers()}) {
    ASSERT_EQ(counts.size(), 1u);
    EXPECT_EQ(counts.begin()->first, "POST /a 200");
    EXPECT_GE(counts.begin()->second, kRounds - 4u);
    EXPECT_LE(counts.begin()->second, kRounds + 0u);
  }
}

TEST_F(RequestsTest, ASampleOfConnectionsCountsForAll) {
  constexpr int kConnections = 2000;
  const std::string request = Request("/a");
  const std::string response = Response(200);
  ASSERT_TRUE(probes_->SetEffort({.requests_one_in = 4}).ok());
  const Shared<uint16_t> port;
  const Baton listening;
  CgroupProcess serve(servers_, [&] {
    const Socket own = Listen(kLocal);
    *port = PortOf(own);
    listening.Pass();
    for (int i = 0; i < kConnections; ++i) {
      const Socket connection = own.Accept();
      ReceiveAll(kCalls[0], connection, request.size());
      SendAll(kCalls[0], connection, response);
    }
    return true;
  });
  CgroupProcess ask(clients_, [&] {
    for (int i = 0; i < kConnections; ++i) {
      const Socket connection = Connect(kLocal, *port);
      SendAll(kCalls[0], connection, request);
      ReceiveAll(kCalls[0], connection, response.size());
    }
    return true;
  });
  serve.Start();
  listening.Take();
  ask.Start();
  EXPECT_TRUE(ask.Wait());
  EXPECT_TRUE(serve.Wait());
  for (const auto& counts : {Clients(), Servers()}) {
    ASSERT_EQ(counts.size(), 1u);
    // Five times the standard deviation of such a sample.
    EXPECT_NEAR(static_cast<double>(counts.begin()->second), kConnections, kConnections / 5.0);
    EXPECT_EQ(counts.begin()->second % 4, 0u);
  }
}

// Over one connection: requests that are told of, those that are not, and again those that are.
TEST_F(RequestsTest, AConnectionThatWasLeftOutIsToldOfAgain) {
  const std::string request = Request("/a");
  const std::string response = Response(200);
  const Process asks = Asks(request, response), answers = Answers(request, response);
  const Baton turn_over, go_on;
  std::thread switches([&] {
    for (const uint32_t one_in : {0, 1}) {
      turn_over.Take();
      EXPECT_TRUE(probes_->SetEffort({.requests_one_in = one_in}).ok());
      go_on.Pass();
    }
  });
  Run(
      [&](const Socket& socket) {
        for (int turn = 0; turn < 3; ++turn) {
          asks(socket);
          if (turn == 2) break;
          turn_over.Pass();
          go_on.Take();
        }
      },
      [&](const Socket& socket) {
        for (int turn = 0; turn < 3; ++turn) answers(socket);
      });
  switches.join();
  for (const auto& counts : {Clients(), Servers()}) {
    ASSERT_EQ(counts.size(), 1u);
    EXPECT_EQ(counts.begin()->first, "POST /a 200");
    EXPECT_GE(counts.begin()->second, 2 * kRounds - 4u) << "as those that are joined late";
    EXPECT_LE(counts.begin()->second, 2 * kRounds + 0u);
  }
}

TEST_F(RequestsTest, AConnectionThatBeganWhileNoneWasToldOfIsJoined) {
  const std::string request = Request("/a");
  const std::string response = Response(200);
  ASSERT_TRUE(probes_->SetEffort({.requests_one_in = 0}).ok());
  RunWith([&] { EXPECT_TRUE(probes_->SetEffort({}).ok()); }, Asks(request, response),
          Answers(request, response));
  for (const auto& counts : {Clients(), Servers()}) {
    ASSERT_EQ(counts.size(), 1u);
    EXPECT_EQ(counts.begin()->first, "POST /a 200");
    EXPECT_GE(counts.begin()->second, kRounds - 4u);
    EXPECT_LE(counts.begin()->second, kRounds + 0u);
  }
}

TEST_F(RequestsTest, NoneAreToldOfWhileTheyAreGivenUp) {
  const std::string request = Request("/a");
  const std::string response = Response(200);
  ASSERT_TRUE(probes_->SetEffort({.requests_one_in = 0, .counts_datagrams = false}).ok());
  Run(Asks(request, response), Answers(request, response));
  EXPECT_THAT(Clients(), IsEmpty());
  EXPECT_THAT(Servers(), IsEmpty());
  ASSERT_TRUE(probes_->SetEffort({}).ok());
  Run(Asks(request, response), Answers(request, response));
  EXPECT_THAT(Clients(), ElementsAre(Pair("POST /a 200", kRounds)));
  EXPECT_THAT(Servers(), ElementsAre(Pair("POST /a 200", kRounds)));
}

// More connections than others have meanwhile, all of them open when it is looked.
TEST_F(RequestsTest, OtherProtocolsAreLeftAlone) {
  constexpr size_t kConnections = 200;
  const std::string request(100, '\x01');
  const std::string response(200, '\x02');
  const Process asks = Asks(request, response), answers = Answers(request, response);
  const Shared<uint16_t> port;
  const Baton listening, asked, done;
  CgroupProcess serve(servers_, [&] {
    const Socket own = Listen(kLocal);
    *port = PortOf(own);
    listening.Pass();
    std::vector<Socket> connections;
    for (size_t i = 0; i < kConnections; ++i) answers(connections.emplace_back(own.Accept()));
    for (const Socket& connection : connections) connection.ReceiveAll();
    return true;
  });
  CgroupProcess ask(clients_, [&] {
    std::vector<Socket> connections;
    for (size_t i = 0; i < kConnections; ++i)
      asks(connections.emplace_back(Connect(kLocal, *port)));
    asked.Pass();
    done.Take();
    return true;
  });
  serve.Start();
  listening.Take();
  ask.Start();
  asked.Take();
  EXPECT_THAT(Clients(), IsEmpty());
  EXPECT_THAT(Servers(), IsEmpty());
  EXPECT_GE(CountOf("unknown", "undetected"), 2 * kConnections) << "each from both ends";
  EXPECT_LT(probes_->request_connections(), kConnections);
  done.Pass();
  EXPECT_TRUE(ask.Wait());
  EXPECT_TRUE(serve.Wait());
}

TEST_F(RequestsTest, AConnectionThatEndsWithoutAResponseIsAnError) {
  const std::string request = Request("/a");
  Run(
      [&](const Socket& socket) {
        SendAll(kCalls[0], socket, request);
        socket.ReceiveAll();
      },
      [&](const Socket& socket) { ReceiveAll(kCalls[0], socket, request.size()); });
  // The kernel may end the connection a moment after its owners.
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (Servers().empty() && std::chrono::steady_clock::now() < give_up) {
  }
  EXPECT_THAT(Servers(), ElementsAre(Pair("POST /a connection_closed", 1)));
  EXPECT_THAT(Clients(), ElementsAre(Pair("POST /a connection_closed", 1)));
}

TEST_F(RequestsTest, OtherProtocolsThanHttpCountToo) {
  const std::string set = "*3\r\n$3\r\nSET\r\n$6\r\ns3cr3t\r\n$1\r\n1\r\n";
  const std::string ok = "+OK\r\n";
  Run(Asks(set, ok), Answers(set, ok));
  EXPECT_THAT(Clients(), ElementsAre(Pair("SET", kRounds)));
  EXPECT_THAT(Servers(), ElementsAre(Pair("SET", kRounds)));
}

TEST_F(RequestsTest, AreCapturedAlsoWhereNoProgramGoesOnToTheirs) {
  Load({.avoid_hooks = {"udp_send_btf", "udp_receive_btf"}});
  const std::string request = Request("/a");
  const std::string response = Response(200);
  Run(Asks(request, response), Answers(request, response));
  EXPECT_THAT(Clients(), ElementsAre(Pair("POST /a 200", kRounds)));
  EXPECT_THAT(Servers(), ElementsAre(Pair("POST /a 200", kRounds)));
}

TEST_F(RequestsTest, WhatFindsNoRoomIsCountedByProtocol) {
  Load({.request_ring_bytes = 4096});
  // What is captured of a request is larger than the ring.
  const std::string request = Request("/a", std::string(REQUEST_BYTES_MAX, 'u'));
  const std::string response = Response(200);
  Run(Asks(request, response), Answers(request, response));
  EXPECT_GE(LossOf(*probes_, "request_ring_full_http1"), 1u * kRounds) << "those of the client";
  EXPECT_THAT(Clients(), IsEmpty()) << "none of its requests was seen";
}

TEST_F(RequestsTest, CanBeSwitchedOff) {
  const auto probes = agent::probes::Probes::Load({.capture_requests = false});
  ASSERT_TRUE(probes.ok());
  int off = 0;
  for (const auto& probe : (*probes)->report().probes) {
    EXPECT_EQ(probe.attached(), !probe.name.starts_with("requests_") && !IsForbiddenWalk(probe))
        << probe.name;
    off += probe.alternatives.front().reason == "is switched off";
  }
  EXPECT_EQ(off, 2);
  for (const auto& map : (*probes)->report().maps) {
    EXPECT_TRUE(!map.name.starts_with("request_") || map.bytes < 20'000) << map.name;
  }
}

}  // namespace
}  // namespace leadline::testing
