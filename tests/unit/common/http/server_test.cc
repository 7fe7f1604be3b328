#include "common/http/server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>

#include <future>
#include <latch>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "tests/unit/common/http/raw_client.h"
#include "tests/unit/sanitizers.h"

namespace leadline::http {
namespace {

using ::testing::AllOf;
using ::testing::ContainsRegex;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

Router TestRouter() {
  Router router;
  router.Add({.method = "GET", .pattern = "/hello", .handler = [](const Request& request) {
                return Response{.body = "hello " + request.query + "."};
              }});
  router.Add({.method = "POST", .pattern = "/size", .handler = [](const Request& request) {
                return Response{.body = std::to_string(request.body.size()) + "."};
              }});
  return router;
}

// GET /slow answers "slow." when it is let go.
struct SlowRoute {
  std::latch entered{1};
  std::latch leave{1};

  // It outlives the requests.
  Route ToRoute() {
    return {.method = "GET", .pattern = "/slow", .handler = [this](const Request&) {
              entered.count_down();
              leave.wait();
              return Response{.body = "slow."};
            }};
  }
};

std::unique_ptr<Server> StartOrDie(ServerOptions options = {}, Router router = TestRouter()) {
  auto server = Server::Start(std::move(options), std::move(router));
  EXPECT_TRUE(server.ok()) << server.status();
  return *std::move(server);
}

TEST(Server, AnswersSeveralRequestsOnOneConnection) {
  auto server = StartOrDie();
  EXPECT_EQ(server->address(), "127.0.0.1:" + std::to_string(server->port()));
  RawClient client(server->port());
  client.Send("GET /hello?a HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.ReadUntil("hello a."), StartsWith("HTTP/1.1 200 OK\r\n"));
  // Two at once, pipelined.
  client.Send(
      "GET /hello?b HTTP/1.1\r\nHost: x\r\n\r\n"
      "POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc");
  const std::string rest = client.ReadAll();
  EXPECT_THAT(rest, HasSubstr("hello b."));
  EXPECT_THAT(rest, EndsWith("3."));
}

TEST(Server, LetsGoOfWhatAnAnswerKeepsOnceItIsSentOrNobodyTakesIt) {
  std::atomic<int> kept = 0;
  Router router;
  router.Add({.method = "POST",
              .pattern = "/long",
              .handler =
                  [&](const Request& request) {
                    ++kept;
                    return Response{
                        .body = std::string(std::stoul(request.body), 'x'),
                        .keeps = std::shared_ptr<const void>(&kept, [&](const void*) { --kept; })};
                  },
              .load = Load::kHeavy});
  auto server = StartOrDie({}, std::move(router));
  const auto goes = [&] {
    const absl::Time give_up = absl::Now() + absl::Seconds(20);
    while (kept > 0 && absl::Now() < give_up) std::this_thread::yield();
    return kept == 0;
  };
  {
    RawClient client(server->port());
    client.Send("POST /long HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n1000");
    client.ReadUntil(std::string(1000, 'x'));
    EXPECT_TRUE(goes());
    client.Send("POST /long HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n50000000");
    client.ReadUntil("\r\n\r\nx");
    EXPECT_EQ(kept, 1);  // there is more of it than sockets take
  }
  EXPECT_TRUE(goes());
}

// POST /later is answered by whoever takes its Respond.
struct DeferredRoute {
  std::promise<Respond> taken;

  Route ToRoute() {
    return {.method = "POST",
            .pattern = "/later",
            .load = Load::kIntake,
            .deferred =
                [this](const Request& request, Respond respond) {
                  size = request.body.size();
                  taken.set_value(std::move(respond));
                },
            .max_body_bytes = 1000};
  }

  size_t size = 0;
};

TEST(Server, AnswersLaterWithoutKeepingAThread) {
  DeferredRoute later;
  Router router = TestRouter();
  router.Add(later.ToRoute());
  auto server = StartOrDie({.max_body_bytes = 10, .intake_threads = 1}, std::move(router));
  RawClient client(server->port());
  client.Send("POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n" +
              std::string(100, 'x'));
  Respond respond = later.taken.get_future().get();
  EXPECT_EQ(later.size, 100);
  // The thread is free for others.
  later.taken = {};
  RawClient other(server->port());
  other.Send("POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  later.taken.get_future().get()({.body = "second."});
  EXPECT_THAT(other.ReadUntil("second."), StartsWith("HTTP/1.1 200 OK\r\n"));
  respond({.status = 202, .body = "first."});
  EXPECT_THAT(client.ReadUntil("first."), StartsWith("HTTP/1.1 202 "));
  // The connection goes on.
  client.Send("GET /hello?a HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.ReadUntil("hello a."), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST(Server, StopWaitsForALaterAnswer) {
  DeferredRoute later;
  Router router;
  router.Add(later.ToRoute());
  auto server = StartOrDie({}, std::move(router));
  RawClient client(server->port());
  client.Send("POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  Respond respond = later.taken.get_future().get();
  std::promise<void> stopped;
  std::thread stop([&] {
    server->Stop(absl::ZeroDuration());
    stopped.set_value();
  });
  std::future<void> is_stopped = stopped.get_future();
  EXPECT_EQ(is_stopped.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  respond({.body = "nobody is there."});
  is_stopped.wait();
  stop.join();
}

TEST(Server, BoundsTheBodiesOfEachRoute) {
  DeferredRoute later;
  Router router = TestRouter();
  router.Add(later.ToRoute());
  auto server = StartOrDie({.max_body_bytes = 10}, std::move(router));
  const auto ask = [&](const std::string& path, const std::string& rest) {
    RawClient client(server->port());
    client.Send("POST " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + rest);
    return client.ReadAll();
  };
  EXPECT_THAT(ask("/size", "Content-Length: 11\r\n\r\n" + std::string(11, 'x')),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(ask("/size", "Content-Length: 10\r\n\r\n" + std::string(10, 'x')), EndsWith("10."));
  EXPECT_THAT(ask("/size", "Transfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n0\r\n\r\n"),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(ask("/later", "Content-Length: 1001\r\n\r\n" + std::string(1001, 'x')),
              StartsWith("HTTP/1.1 413 "));
}

TEST(Server, LeavesItsSocketsToNoProgramThatItExecutes) {
  auto server = StartOrDie();
  RawClient client(server->port());
  client.Send("GET /hello?a HTTP/1.1\r\nHost: x\r\n\r\n");
  client.ReadUntil("hello a.");
  int sockets = 0;
  for (int fd = 0; fd < 1024; ++fd) {
    sockaddr_in own{};
    socklen_t size = sizeof(own);
    if (getsockname(fd, reinterpret_cast<sockaddr*>(&own), &size) != 0) continue;
    if (own.sin_family != AF_INET || ntohs(own.sin_port) != server->port()) continue;
    ++sockets;
    EXPECT_NE(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
  }
  EXPECT_EQ(sockets, 2);  // that which listens, and the connection
}

TEST(Server, HeadHasTheLengthAndNoBody) {
  auto server = StartOrDie();
  RawClient client(server->port());
  client.Send("HEAD /hello?abc HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const std::string answer = client.ReadAll();
  EXPECT_THAT(answer, HasSubstr("Content-Length: 10\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
}

TEST(Server, TakesTargetsAsProxiesSendThem) {
  auto server = StartOrDie();
  RawClient client(server->port());
  client.Send("GET http://x.example:80/hello?a HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.ReadUntil("hello a."), StartsWith("HTTP/1.1 200 OK\r\n"));
  client.Send("GET http://x.example HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(client.ReadAll(), StartsWith("HTTP/1.1 404 "));
}

TEST(Server, SaysWhenAndWhatItAnswers) {
  auto server = StartOrDie();
  RawClient client(server->port());
  client.Send("GET /hello HTTP/1.0\r\n\r\n");
  const std::string answer = client.ReadAll();
  EXPECT_THAT(answer, ContainsRegex("\r\nDate: [A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} "
                                    "[0-9]{2}:[0-9]{2}:[0-9]{2} GMT\r\n"));
  EXPECT_THAT(answer, HasSubstr("\r\nX-Content-Type-Options: nosniff\r\n"));
}

TEST(Server, CompressesForThoseWhoTakeIt) {
  auto server = StartOrDie();
  const std::string text(5000, 'x');
  const auto ask = [&](const std::string& method, const std::string& headers) {
    RawClient client(server->port());
    client.Send(method + " /hello?" + text + " HTTP/1.0\r\n" + headers + "\r\n");
    return client.ReadAll();
  };
  const std::string packed = ask("GET", "Accept-Encoding: gzip\r\n");
  EXPECT_THAT(packed, HasSubstr("\r\nContent-Encoding: gzip\r\n"));
  const size_t body = packed.find("\r\n\r\n") + 4;
  EXPECT_THAT(packed.substr(0, body),
              HasSubstr("\r\nContent-Length: " + std::to_string(packed.size() - body) + "\r\n"));
  EXPECT_LT(packed.size() - body, 200);
  EXPECT_THAT(ask("HEAD", "Accept-Encoding: gzip\r\n"),
              HasSubstr("\r\nContent-Length: " + std::to_string(packed.size() - body) + "\r\n"));
  const std::string plain = ask("GET", "");
  EXPECT_THAT(plain, EndsWith(text + "."));
  EXPECT_THAT(plain, HasSubstr("\r\nVary: Accept-Encoding\r\n"));
}

TEST(Server, LetsWebPagesReadAnswers) {
  auto server = StartOrDie({.cors_origins = "https://.*\\.example"});
  const auto ask = [&](const std::string& request) {
    RawClient client(server->port());
    client.Send(request);
    return client.ReadAll();
  };
  EXPECT_THAT(ask("GET /hello HTTP/1.0\r\nOrigin: https://a.example\r\n\r\n"),
              HasSubstr("\r\nAccess-Control-Allow-Origin: https://a.example\r\n"));
  const std::string preflight =
      ask("OPTIONS /hello HTTP/1.0\r\nOrigin: https://a.example\r\n"
          "Access-Control-Request-Method: POST\r\n\r\n");
  EXPECT_THAT(preflight, StartsWith("HTTP/1.0 204 No Content\r\n"));
  EXPECT_THAT(preflight, HasSubstr("\r\nAccess-Control-Allow-Methods: GET, POST, OPTIONS\r\n"));
  EXPECT_THAT(preflight, Not(HasSubstr("Content-Length")));
  EXPECT_THAT(ask("GET /hello HTTP/1.0\r\nOrigin: https://a.example.org\r\n\r\n"),
              Not(HasSubstr("Access-Control")));
  EXPECT_EQ(Server::Start({.cors_origins = "("}, TestRouter()).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(Server, TellsClientsThatAskToGoOn) {
  auto server = StartOrDie();
  RawClient client(server->port());
  client.Send(
      "POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_THAT(client.ReadUntil("\r\n\r\n"), StartsWith("HTTP/1.1 100 Continue\r\n"));
  client.Send("abc");
  EXPECT_THAT(client.ReadUntil("3."), StartsWith("HTTP/1.1 200 OK\r\n"));
}

TEST(Server, SaysWhichAddressIsTaken) {
  auto first = StartOrDie();
  const auto second = Server::Start({.address = first->address()}, TestRouter());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(second.status().message(),
            "listen for HTTP on " + first->address() + ": Address already in use");
}

TEST(Server, SaysThatThereAreTooFewDescriptors) {
#if LEADLINE_ASAN
  GTEST_SKIP() << "the sanitizer of undefined behaviour looks at memory through a pipe of its own";
#endif
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  constexpr rlim_t kEnough = 64;
  int refused = 0;
  bool started = false;
  for (rlim_t descriptors = 0; descriptors <= kEnough && !started; ++descriptors) {
    const rlimit few{.rlim_cur = descriptors, .rlim_max = before.rlim_max};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
    const auto server = Server::Start({}, TestRouter());
    EXPECT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    started = server.ok();
    if (started) continue;
    ++refused;
    EXPECT_THAT(
        std::string(server.status().message()),
        AllOf(HasSubstr("listen for HTTP on 127.0.0.1:0"), HasSubstr("Too many open files")));
  }
  EXPECT_TRUE(started);
  EXPECT_GT(refused, 0);
}

TEST(Server, RefusesWhatIsNoAddress) {
  for (const char* address : {"", "localhost", "1.2.3.4:", "127.0.0.1:x", "127.0.0.1:70000"}) {
    const auto server = Server::Start({.address = address}, TestRouter());
    EXPECT_EQ(server.status().code(), absl::StatusCode::kInvalidArgument) << address;
  }
}

struct BadInput {
  std::string name, bytes;
  int status;
};

class ServerBadInputTest : public testing::TestWithParam<BadInput> {};

TEST_P(ServerBadInputTest, IsAnsweredAndTheConnectionClosed) {
  auto server = StartOrDie({.max_header_bytes = 1024, .max_body_bytes = 2048});
  RawClient client(server->port());
  client.Send(GetParam().bytes);
  const std::string answer = client.ReadAll();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 " + std::to_string(GetParam().status)));
  RawClient another(server->port());
  another.Send("GET /hello HTTP/1.0\r\n\r\n");
  EXPECT_THAT(another.ReadAll(), EndsWith("hello ."));
}

INSTANTIATE_TEST_SUITE_P(
    All, ServerBadInputTest,
    testing::Values(
        BadInput{"Garbage", "\x16\x03\x01\x02 not http\r\n\r\n", 400},
        BadInput{"LongHeader", "GET / HTTP/1.1\r\nA: " + std::string(5000, 'x') + "\r\n\r\n", 431},
        BadInput{"LongBody",
                 "POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 3000\r\n\r\n" +
                     std::string(3000, 'x'),
                 413},
        BadInput{"LongChunkedBody",
                 "POST /size HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nbb8\r\n" +
                     std::string(3000, 'x') + "\r\n0\r\n\r\n",
                 413},
        BadInput{"UnknownCoding",
                 "POST /size HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n"
                 "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n",
                 400},
        BadInput{"BadLength", "POST /size HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400}),
    [](const auto& test) { return test.param.name; });

// Beast has 16 bits for the length of a name and of a value.
class ServerLongFieldTest : public testing::TestWithParam<std::string> {
 protected:
  static std::string Ask(const Server& server, const std::string& fields,
                         const std::string& rest = "") {
    RawClient client(server.port());
    client.Send("POST /size HTTP/1.1\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n" +
                fields + "\r\n1\r\nx\r\n0\r\n" + rest + "\r\n");
    return client.ReadAll();
  }
};

TEST_P(ServerLongFieldTest, IsAnsweredWhereverItIs) {
  auto server = StartOrDie({.max_header_bytes = 1 << 20});
  const std::string& field = GetParam();
  EXPECT_THAT(Ask(*server, field), StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(Ask(*server, "", field), StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(Ask(*server, ""), StartsWith("HTTP/1.1 200 "));
}

INSTANTIATE_TEST_SUITE_P(All, ServerLongFieldTest,
                         testing::Values("A: " + std::string(65'534, 'x') + "\r\n",
                                         "A: " + std::string(200'000, 'x') + "\r\n",
                                         std::string(65'534, 'x') + ": a\r\n",
                                         "Authorization: Bearer " + std::string(70'000, 'x') +
                                             "\r\n"));

TEST(Server, TakesAFieldOfSixteenBits) {
  auto server = StartOrDie({.max_header_bytes = 1 << 20});
  RawClient client(server->port());
  client.Send("GET /hello HTTP/1.0\r\n" + std::string(65'533, 'n') + ": " +
              std::string(65'533, 'v') + "\r\n\r\n");
  EXPECT_THAT(client.ReadAll(), StartsWith("HTTP/1.0 200 "));
}

TEST(Server, ClosesConnectionsThatSendNothing) {
  auto server = StartOrDie({.idle_timeout = absl::Milliseconds(20)});
  RawClient client(server->port());
  EXPECT_THAT(client.ReadAll(), IsEmpty());
}

TEST(Server, ClosesConnectionsThatDoNotFinishARequest) {
  auto server = StartOrDie({.read_timeout = absl::Milliseconds(20)});
  RawClient client(server->port());
  client.Send("GET /hel");
  EXPECT_THAT(client.ReadAll(), IsEmpty());
}

class FullServerTest : public testing::Test {
 protected:
  void Start(size_t max_connections, Router router) {
    server_ = StartOrDie({.max_connections = max_connections,
                          .registry = registry_,
                          .metrics_prefix = "leadline_test"},
                         std::move(router));
  }
  static std::string Hello(RawClient& client) {
    client.Send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
    return client.ReadUntil("hello .");
  }
  std::string Metrics() { return prometheus::TextSerializer().Serialize(registry_->Collect()); }

  std::shared_ptr<prometheus::Registry> registry_ = std::make_shared<prometheus::Registry>();
  std::unique_ptr<Server> server_;
};

TEST_F(FullServerTest, ClosesTheLongestIdleConnectionForANewOne) {
  Start(2, TestRouter());
  RawClient first(server_->port());
  Hello(first);
  RawClient second(server_->port());
  Hello(second);
  Hello(first);
  RawClient third(server_->port());
  EXPECT_THAT(Hello(third), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(second.ReadAll(), IsEmpty());
  EXPECT_THAT(Hello(first), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Metrics(), HasSubstr("leadline_test_http_connections_evicted_total 1"));
  EXPECT_THAT(Metrics(), HasSubstr("leadline_test_http_connections_refused_total 0"));
  EXPECT_THAT(Metrics(), HasSubstr("leadline_test_http_connections 2"));
}

TEST_F(FullServerTest, IsNotHeldByThoseWhoSendNothingOrAPart) {
  Start(4, TestRouter());
  std::vector<std::unique_ptr<RawClient>> holders;
  for (int i = 0; i < 64; ++i) {
    holders.push_back(std::make_unique<RawClient>(server_->port()));
    if (i % 2 == 1) holders.back()->Send("POST /size HTTP/1.1\r\nContent-Length: 9\r\n\r\nab");
  }
  RawClient probe(server_->port());
  EXPECT_THAT(Hello(probe), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Metrics(), HasSubstr("leadline_test_http_connections_evicted_total 61"));
}

TEST_F(FullServerTest, RefusesWhereEveryConnectionHasARequestUnderWay) {
  SlowRoute slow;
  Router router;
  router.Add(slow.ToRoute());
  Start(1, std::move(router));
  RawClient busy(server_->port());
  busy.Send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  slow.entered.wait();
  RawClient other(server_->port());
  EXPECT_THAT(other.ReadAll(), StartsWith("HTTP/1.1 503"));
  slow.leave.count_down();
  EXPECT_THAT(busy.ReadUntil("slow."), StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(Metrics(), HasSubstr("leadline_test_http_connections_refused_total 1"));
  EXPECT_THAT(Metrics(), HasSubstr("leadline_test_http_connections_evicted_total 0"));
}

TEST(Server, CountsRequestsByRoute) {
  auto registry = std::make_shared<prometheus::Registry>();
  auto server = StartOrDie({.registry = registry, .metrics_prefix = "leadline_test"});
  for (const char* path : {"/hello", "/nowhere/1", "/nowhere/2"}) {
    RawClient client(server->port());
    client.Send(std::string("GET ") + path + " HTTP/1.0\r\n\r\n");
    client.ReadAll();
  }
  server->Stop(absl::ZeroDuration());
  const std::string text = prometheus::TextSerializer().Serialize(registry->Collect());
  EXPECT_THAT(text, HasSubstr(R"(leadline_test_http_requests_total{code="200",route="/hello"} 1)"));
  EXPECT_THAT(text, HasSubstr(R"(leadline_test_http_requests_total{code="404",route="other"} 2)"));
  EXPECT_THAT(text, Not(HasSubstr("nowhere")));
}

TEST(Server, StopWaitsForRequestsUnderWayAndClosesIdleConnections) {
  SlowRoute slow;
  Router router = TestRouter();
  router.Add(slow.ToRoute());
  auto server = StartOrDie({}, std::move(router));
  RawClient idle(server->port());
  idle.Send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  idle.ReadUntil("hello .");
  RawClient busy(server->port());
  busy.Send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  slow.entered.wait();
  std::thread stopper([&] { server->Stop(absl::InfiniteDuration()); });
  EXPECT_THAT(idle.ReadAll(), IsEmpty());  // closed, so Stop has begun
  slow.leave.count_down();
  const std::string answer = busy.ReadAll();
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
  EXPECT_THAT(answer, EndsWith("slow."));
  stopper.join();
}

TEST(Server, StopWithoutGraceStillWaitsForTheHandler) {
  SlowRoute slow;
  Router router;
  router.Add(slow.ToRoute());
  auto server = StartOrDie({}, std::move(router));
  RawClient busy(server->port());
  busy.Send("GET /slow HTTP/1.1\r\nHost: x\r\n\r\n");
  slow.entered.wait();
  std::thread stopper([&] { server->Stop(absl::ZeroDuration()); });
  EXPECT_THAT(busy.ReadAll(), IsEmpty());
  slow.leave.count_down();
  stopper.join();
}

// A heavy handler that ends only when it is cancelled.
Router EndlessRouter(std::latch& entered) {
  Router router;
  router.Add({.method = "GET",
              .pattern = "/endless",
              .handler =
                  [&entered](const Request& request) {
                    entered.count_down();
                    while (!*request.cancelled) std::this_thread::yield();
                    return Response{.status = 503};
                  },
              .load = Load::kHeavy});
  return router;
}

TEST(Server, StopCancelsWhatGoesOnBeyondItsGrace) {
  std::latch entered(1);
  auto server = StartOrDie({.watch_interval = absl::Hours(1)}, EndlessRouter(entered));
  RawClient client(server->port());
  client.Send("GET /endless HTTP/1.1\r\nHost: x\r\n\r\n");
  entered.wait();
  server->Stop(absl::ZeroDuration());
  EXPECT_THAT(client.ReadAll(), IsEmpty());
}

TEST(Server, CancelsWhatNobodyWaitsFor) {
  std::latch entered(1);
  auto registry = std::make_shared<prometheus::Registry>();
  auto server = StartOrDie(
      {.heavy_threads = 1, .watch_interval = absl::Milliseconds(1), .registry = registry},
      EndlessRouter(entered));
  {
    RawClient client(server->port());
    // The next request is unread when the connection ends.
    client.Send("GET /endless HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n");
    entered.wait();
  }
  const auto connections = [&] {
    return prometheus::TextSerializer().Serialize(registry->Collect());
  };
  const absl::Time give_up = absl::Now() + absl::Seconds(20);
  while (connections().find("_http_connections 0") == std::string::npos && absl::Now() < give_up) {
    std::this_thread::yield();
  }
  EXPECT_THAT(connections(), HasSubstr("_http_connections 0"));
}

TEST(Server, HeavyHandlersDoNotKeepLightOnesWaiting) {
  std::latch entered(1);
  std::latch leave(1);
  Router router = TestRouter();
  router.Add({.method = "GET",
              .pattern = "/heavy",
              .handler =
                  [&](const Request&) {
                    entered.count_down();
                    leave.wait();
                    return Response{.body = "heavy."};
                  },
              .load = Load::kHeavy});
  auto server = StartOrDie({.heavy_threads = 1}, std::move(router));
  RawClient heavy(server->port());
  heavy.Send("GET /heavy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  entered.wait();
  RawClient light(server->port());
  light.Send("GET /hello HTTP/1.0\r\n\r\n");
  EXPECT_THAT(light.ReadAll(), EndsWith("hello ."));
  leave.count_down();
  EXPECT_THAT(heavy.ReadAll(), EndsWith("heavy."));
}

}  // namespace
}  // namespace leadline::http
