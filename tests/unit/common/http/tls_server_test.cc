// The server over TLS, and who may ask it, on real sockets.
#include <array>
#include <atomic>
#include <memory>
#include <thread>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "common/http/health.h"
#include "common/http/server.h"
#include "tests/unit/common/http/raw_client.h"
#include "tests/unit/common/tls/authority/test_authority.h"

namespace leadline::http {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr char kToken[] = "a-readers-token-0123456789";
constexpr char kNextToken[] = "the-next-token-0123456789";

struct ClientOptions {
  std::string ca = {};                  // PEM; "": whatever the server shows is taken
  std::string server_ip = "127.0.0.1";  // that its certificate must have
  KeyPair pair = {};                    // its own; none
  int version = 0;                      // the only one; 0: any
};

// A client over TLS that sends exactly the bytes that it is told to.
class TlsClient {
 public:
  TlsClient(uint16_t port, const FileFolder& folder, const ClientOptions& options)
      : socket_(port), context_(SSL_CTX_new(TLS_client_method())) {
    if (!options.ca.empty()) {
      const std::string file = folder.Write("client-ca", options.ca);
      EXPECT_EQ(SSL_CTX_load_verify_locations(context_, file.c_str(), nullptr), 1);
      SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
    }
    if (!options.pair.key.empty()) {
      const std::string cert = folder.Write("client.crt", options.pair.certificate);
      const std::string key = folder.Write("client.key", options.pair.key);
      EXPECT_EQ(SSL_CTX_use_certificate_chain_file(context_, cert.c_str()), 1);
      EXPECT_EQ(SSL_CTX_use_PrivateKey_file(context_, key.c_str(), SSL_FILETYPE_PEM), 1);
    }
    if (options.version != 0) {
      SSL_CTX_set_security_level(context_, 0);  // what is old may be asked for
      SSL_CTX_set_min_proto_version(context_, options.version);
      SSL_CTX_set_max_proto_version(context_, options.version);
    }
    ssl_ = SSL_new(context_);
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_), options.server_ip.c_str());
    SSL_set_fd(ssl_, socket_.fd());
    connected_ = SSL_connect(ssl_) == 1;
  }
  ~TlsClient() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  bool connected() const { return connected_; }
  // X509_V_… of the server's certificate.
  long verify_result() const { return SSL_get_verify_result(ssl_); }  // NOLINT: OpenSSL's type

  void Send(std::string_view bytes) {
    if (connected_) SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size()));
  }
  std::string ReadUntil(std::string_view end) {
    std::string got;
    char byte;
    while (!(got.ends_with(end) && !end.empty()) && connected_ && SSL_read(ssl_, &byte, 1) == 1) {
      got += byte;
    }
    return got;
  }
  std::string ReadAll() { return ReadUntil(""); }
  // Whether the server has said that it ends, so that nothing was cut off.
  bool was_ended() const { return (SSL_get_shutdown(ssl_) & SSL_RECEIVED_SHUTDOWN) != 0; }

 private:
  RawClient socket_;
  SSL_CTX* context_;
  SSL* ssl_;
  bool connected_;
};

std::string Get(const std::string& path, const std::string& authorization = "") {
  return fmt::format(
      "GET {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{}\r\n", path,
      authorization.empty() ? "" : fmt::format("Authorization: {}\r\n", authorization));
}

constexpr size_t kLongBody = 100'000;  // several records

class TlsServerTest : public testing::Test {
 protected:
  TlsServerTest() { Install(authority_.Issue()); }
  ~TlsServerTest() override {
    if (server_) server_->Stop(absl::ZeroDuration());
  }

  void Install(const KeyPair& pair) {
    folder_.Write("tls.crt", pair.certificate);
    folder_.Write("tls.key", pair.key);
  }

  void Start(const tls::Access& access = {}, ServerOptions options = {}, bool encrypted = true) {
    const tls::Certificate certificate{folder_.Path("tls.crt"), folder_.Path("tls.key")};
    auto security = tls::ServerSecurity::Open(encrypted ? certificate : tls::Certificate{}, access,
                                              "http", clock_, *registry_, "leadline_test");
    ASSERT_TRUE(security.ok()) << security.status();
    options.security = *std::move(security);
    options.registry = registry_;
    options.metrics_prefix = "leadline_test";
    Router router;
    AddProgramRoutes(router, {}, registry_);
    router.Add({.method = "GET", .pattern = "/hello", .handler = [](const Request&) {
                  return Response{.body = "hello."};
                }});
    router.Add({.method = "GET", .pattern = "/long", .handler = [](const Request&) {
                  return Response{.body = std::string(kLongBody, 'x') + "."};
                }});
    router.Add({.method = "POST", .pattern = "/size", .handler = [](const Request& request) {
                  return Response{.body = std::to_string(request.body.size()) + "."};
                }});
    auto server = Server::Start(std::move(options), std::move(router));
    ASSERT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  std::unique_ptr<TlsClient> Client(ClientOptions options = {}) {
    if (options.ca.empty()) options.ca = authority_.certificate();
    return std::make_unique<TlsClient>(server_->port(), folder_, options);
  }

  std::string Ask(const std::string& request, const ClientOptions& options = {}) {
    auto client = Client(options);
    client->Send(request);
    return client->ReadAll();
  }

  std::string AskInClear(const std::string& request) {
    RawClient client(server_->port());
    client.Send(request);
    return client.ReadAll();
  }

  std::string Metrics() { return prometheus::TextSerializer().Serialize(registry_->Collect()); }
  std::string TokensFile() { return folder_.Write("tokens", std::string(kToken) + "\n"); }
  std::string ClientCaFile() { return folder_.Write("clients.crt", clients_.certificate()); }

  FileFolder folder_;
  TestAuthority authority_{"Server CA"};
  TestAuthority clients_{"Client CA"};
  ManualClock clock_{absl::ToUnixMillis(absl::Now())};
  std::shared_ptr<prometheus::Registry> registry_ = std::make_shared<prometheus::Registry>();
  std::unique_ptr<Server> server_;
};

TEST_F(TlsServerTest, AnswersSeveralRequestsAndEndsInOrder) {
  Start();
  auto client = Client();
  ASSERT_TRUE(client->connected());
  client->Send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client->ReadUntil("hello."), StartsWith("HTTP/1.1 200 OK\r\n"));
  const std::string body(100'000, 'x');
  client->Send(
      fmt::format("POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n"
                  "Connection: close\r\n\r\n{}",
                  body.size(), body));
  EXPECT_THAT(client->ReadAll(), EndsWith("100000."));
  EXPECT_TRUE(client->was_ended());
}

TEST_F(TlsServerTest, ALongAnswerComesWhole) {
  Start();
  const std::string answer = Ask(Get("/long"));
  EXPECT_THAT(answer, EndsWith(std::string(kLongBody, 'x') + "."));
}

TEST_F(TlsServerTest, ABodyAboveTheLimitIsAnsweredThoughItIsStillComing) {
  Start({}, {.max_body_bytes = 1000});
  const std::string body(1'000'000, 'x');
  EXPECT_THAT(Ask(fmt::format("POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{}",
                              body.size(), body)),
              StartsWith("HTTP/1.1 413"));
}

TEST_F(TlsServerTest, ClientsSeeWhatIsWrongWithTheServer) {
  Start();
  EXPECT_EQ(Client({.ca = clients_.certificate()})->verify_result(),
            X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY);
  EXPECT_EQ(Client({.server_ip = "127.0.0.2"})->verify_result(), X509_V_ERR_IP_ADDRESS_MISMATCH);
  Install(authority_.Issue({.expires_in = absl::Minutes(-1)}));
  clock_.AdvanceMs(1000);
  EXPECT_EQ(Client()->verify_result(), X509_V_ERR_CERT_HAS_EXPIRED);
}

TEST_F(TlsServerTest, TheVersionIsAtLeast12) {
  Start();
  EXPECT_FALSE(Client({.version = TLS1_VERSION})->connected());
  EXPECT_FALSE(Client({.version = TLS1_1_VERSION})->connected());
  EXPECT_TRUE(Client({.version = TLS1_2_VERSION})->connected());
  EXPECT_TRUE(Client({.version = TLS1_3_VERSION})->connected());
}

TEST_F(TlsServerTest, ARequestInClearIsToldWhatIsWrong) {
  Start();
  const std::string answer = AskInClear(Get("/hello"));
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(answer, EndsWith("this port speaks TLS: https\n"));
  EXPECT_THAT(Metrics(), HasSubstr("handshake_failures_total{reason=\"clear_text\"} 1"));
}

TEST_F(TlsServerTest, BrokenHandshakesHarmNobody) {
  Start();
  EXPECT_THAT(AskInClear(std::string("\x16\x03\x01\x00\x05hello and more", 19)),
              Not(HasSubstr("HTTP")));
  { const RawClient gone(server_->port()); }
  EXPECT_THAT(Ask(Get("/hello")), EndsWith("hello."));
  EXPECT_THAT(Metrics(), HasSubstr("handshake_failures_total{reason=\"handshake\"} 1"));
}

TEST_F(TlsServerTest, SlowHandshakesHoldUpNobodyAndAreClosed) {
  Start({}, {.handshake_timeout = absl::Milliseconds(300)});
  std::vector<std::unique_ptr<RawClient>> slow;
  for (int i = 0; i < 50; ++i) {
    slow.push_back(std::make_unique<RawClient>(server_->port()));
    if (i % 2 == 0) slow.back()->Send("\x16\x03");  // and no more
  }
  EXPECT_THAT(Ask(Get("/hello")), EndsWith("hello."));
  for (auto& client : slow) EXPECT_THAT(client->ReadAll(), IsEmpty());
}

TEST_F(TlsServerTest, HandshakesThatWaitMakeRoom) {
  Start({}, {.max_connections = 2});
  const RawClient first(server_->port());
  const RawClient second(server_->port());
  EXPECT_THAT(Ask(Get("/hello")), EndsWith("hello."));
  EXPECT_THAT(Metrics(), HasSubstr("leadline_test_http_connections_evicted_total 1"));
}

TEST_F(TlsServerTest, StopDoesNotWaitForHandshakes) {
  Start();
  RawClient silent(server_->port());
  EXPECT_THAT(Ask(Get("/hello")), EndsWith("hello."));  // so the silent one is there as well
  server_->Stop(absl::InfiniteDuration());
  EXPECT_THAT(silent.ReadAll(), IsEmpty());
}

TEST_F(TlsServerTest, CertificatesRotateUnderLoad) {
  Start();
  const TestAuthority next("Next CA");
  const std::string both = authority_.certificate() + next.certificate();
  std::atomic<bool> stop = false;
  std::atomic<int> answered = 0;
  std::array<std::thread, 4> clients;
  const std::string ca_file = folder_.Write("both", both);
  for (size_t i = 0; i < clients.size(); ++i) {
    clients[i] = std::thread([&, i] {
      const FileFolder mine;
      while (!stop) {
        TlsClient client(server_->port(), mine, {.ca = both});
        client.Send(Get("/hello"));
        EXPECT_THAT(client.ReadAll(), EndsWith("hello.")) << i;
        ++answered;
      }
    });
  }
  for (int turn = 1; turn <= 10; ++turn) {
    Install((turn % 2 == 1 ? next : authority_).Issue());
    clock_.AdvanceMs(1000);
    const int seen = answered;
    while (answered < seen + 8 && !HasFailure()) std::this_thread::yield();
  }
  stop = true;
  for (std::thread& client : clients) client.join();
  EXPECT_FALSE(Client({.ca = next.certificate()})->connected());
  EXPECT_TRUE(Client({.ca = authority_.certificate()})->connected());
}

TEST_F(TlsServerTest, TokensAreAskedFor) {
  Start({.tokens_file = TokensFile()});
  const std::string none = Ask(Get("/hello"));
  EXPECT_THAT(none, StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(none, HasSubstr("WWW-Authenticate: Bearer realm=\"leadline\"\r\n"));
  const std::string wrong = Ask(Get("/hello", "Bearer not-the-token-0123456789"));
  EXPECT_THAT(wrong, StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(wrong, HasSubstr("error=\"invalid_token\""));
  EXPECT_THAT(Ask(Get("/hello", std::string("Basic ") + kToken)), StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(Ask(Get("/nowhere")), StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(Ask(Get("/metrics")), StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(Ask(Get("/hello", std::string("Bearer ") + kToken)), EndsWith("hello."));
  // Two: which of them counts is nobody's guess.
  EXPECT_THAT(
      Ask(fmt::format("GET /hello HTTP/1.1\r\nConnection: close\r\nAuthorization: Bearer {0}\r\n"
                      "Authorization: Bearer {0}\r\n\r\n",
                      kToken)),
      StartsWith("HTTP/1.1 401 "));
}

TEST_F(TlsServerTest, HealthAndBrowsersQuestionsNeedNothing) {
  Start({.client_ca_file = ClientCaFile(), .tokens_file = TokensFile()});
  for (const char* path : {"/livez", "/readyz", "/healthz?verbose"}) {
    EXPECT_THAT(Ask(Get(path)), StartsWith("HTTP/1.1 200 ")) << path;
  }
  EXPECT_THAT(Ask("OPTIONS /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
              StartsWith("HTTP/1.1 204 "));
}

TEST_F(TlsServerTest, TokensWorkWithoutTlsOnLoopback) {
  Start({.tokens_file = TokensFile()}, {}, /*encrypted=*/false);
  EXPECT_THAT(AskInClear(Get("/hello")), StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(AskInClear(Get("/hello", std::string("bearer ") + kToken)), EndsWith("hello."));
}

TEST_F(TlsServerTest, ABodyIsNotReadOfWhoMayNotAsk) {
  Start({.tokens_file = TokensFile()});
  const std::string answer =
      Ask("POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n"
          "Expect: 100-continue\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(answer, HasSubstr("Connection: close"));
}

TEST_F(TlsServerTest, AConnectionGoesOnAfterARefusal) {
  Start({.tokens_file = TokensFile()});
  auto client = Client();
  client->Send("GET /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client->ReadUntil("needed\n"), StartsWith("HTTP/1.1 401 "));
  client->Send(Get("/hello", std::string("Bearer ") + kToken));
  EXPECT_THAT(client->ReadAll(), EndsWith("hello."));
}

TEST_F(TlsServerTest, TokensAreTakenAndRevokedWhileItRuns) {
  Start({.tokens_file = TokensFile()});
  folder_.Write("tokens", std::string(kNextToken) + "\n");
  clock_.AdvanceMs(1000);
  EXPECT_THAT(Ask(Get("/hello", std::string("Bearer ") + kToken)), StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(Ask(Get("/hello", std::string("Bearer ") + kNextToken)), EndsWith("hello."));
}

TEST_F(TlsServerTest, ClientCertificatesAreAskedFor) {
  Start({.client_ca_file = ClientCaFile()});
  EXPECT_THAT(Ask(Get("/hello")), StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(Ask(Get("/hello"), {.pair = clients_.Issue({.name = "reader"})}), EndsWith("hello."));
  // One that is not right is worse than none.
  EXPECT_THAT(Ask(Get("/hello"), {.pair = authority_.Issue()}), IsEmpty());
  EXPECT_THAT(Ask(Get("/hello"), {.pair = clients_.Issue({.expires_in = absl::Minutes(-1)})}),
              IsEmpty());
}

TEST_F(TlsServerTest, BothAreNeededWhereBothAreAskedFor) {
  Start({.client_ca_file = ClientCaFile(), .tokens_file = TokensFile()});
  const std::string with_token = Get("/hello", std::string("Bearer ") + kToken);
  const KeyPair pair = clients_.Issue();
  EXPECT_THAT(Ask(with_token), StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(Ask(Get("/hello"), {.pair = pair}), StartsWith("HTTP/1.1 401 "));
  EXPECT_THAT(Ask(with_token, {.pair = pair}), EndsWith("hello."));
}

}  // namespace
}  // namespace leadline::http
