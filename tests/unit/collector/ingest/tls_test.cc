// Agent and collector over TLS and with tokens, on real sockets.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include "common/mutex.h"
#include "common/status_text.h"
#include "pipeline.h"
#include "tests/unit/common/tls/authority/test_authority.h"

namespace leadline::collector::ingest {
namespace {

using ::testing::HasSubstr;

constexpr char kToken[] = "an-agent-token-0123456789";
constexpr char kNextToken[] = "the-next-token-0123456789";

// Keeps what the process logs. The thread sanitizer does not see spdlog's own lock.
class MemorySink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  std::string Take() {
    const MutexLock lock(lock_);
    return std::exchange(text_, "");
  }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    const MutexLock lock(lock_);
    text_.append(message.payload.data(), message.payload.size());
    text_ += '\n';
  }
  void flush_() override {}

  Mutex lock_;
  std::string text_ ABSL_GUARDED_BY(lock_);
};

int Connect(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)), 0);
  return fd;
}

class IngestTlsTest : public testing::Test {
 protected:
  // Before and after all threads that log.
  static void SetUpTestSuite() {
    shared_logger = spdlog::default_logger();
    shared_log = std::make_shared<MemorySink>();
    spdlog::set_default_logger(std::make_shared<spdlog::logger>("test", shared_log));
  }
  static void TearDownTestSuite() {
    spdlog::set_default_logger(shared_logger);
    shared_logger.reset();
    shared_log.reset();
  }

  IngestTlsTest() {
    agent_ca_file_ = folder_.Write("agent-ca.crt", agents_.certificate());
    tokens_file_ = folder_.Write("tokens", fmt::format("{}\n", kToken));
    InstallServer(authority_.Issue());
    InstallAgent(agents_.Issue({.name = "agent", .alternatives = {}}));
    security_ = {.encrypted = true,
                 .ca_file = folder_.Write("ca.crt", authority_.certificate()),
                 .cert_file = folder_.Path("agent.crt"),
                 .key_file = folder_.Path("agent.key"),
                 .token_file = folder_.Write("token", fmt::format("{}\n", kToken))};
  }

  void InstallServer(const KeyPair& pair) {
    folder_.Write("server.crt", pair.certificate);
    folder_.Write("server.key", pair.key);
  }
  void InstallAgent(const KeyPair& pair) {
    folder_.Write("agent.crt", pair.certificate);
    folder_.Write("agent.key", pair.key);
  }

  void StartCollector() {
    auto security =
        tls::ServerSecurity::Open({folder_.Path("server.crt"), folder_.Path("server.key")},
                                  {.client_ca_file = agent_ca_file_, .tokens_file = tokens_file_},
                                  "grpc", clock_, registry_, "leadline_collector");
    ASSERT_TRUE(security.ok()) << security.status();
    collector_.options.security = *std::move(security);
    collector_.Start();
  }

  void StartAgent() {
    agent_.emplace(collector_.proxy().port(), 1,
                   [this](agent::SenderOptions& options) { options.security = security_; });
  }

  bool Delivers() {
    agent_->SendOne(++value_);
    return Eventually(
        [this] { return agent_->sender().acknowledged_sequence() == agent_->sent(); });
  }

  // What the agent logs of a connection that fails twice.
  std::string FailureOf(const tls::ClientFiles& security) {
    shared_log->Take();
    security_ = security;
    StartAgent();
    agent_->SendOne(1);
    EXPECT_TRUE(Eventually([this] {
      return agent_->Metric("connect_failures_total") >= 2 || agent_->sender().connected();
    }));
    EXPECT_FALSE(agent_->sender().connected());
    EXPECT_EQ(agent_->sender().acknowledged_sequence(), 0U);
    agent_.reset();
    return shared_log->Take();
  }

  static inline std::shared_ptr<MemorySink> shared_log;
  static inline std::shared_ptr<spdlog::logger> shared_logger;

  FileFolder folder_;
  TestAuthority authority_{"Collector CA"};
  TestAuthority agents_{"Agent CA"};
  std::string agent_ca_file_, tokens_file_;
  tls::ClientFiles security_;
  prometheus::Registry registry_;
  ManualClock clock_{absl::ToUnixMillis(absl::Now())};
  FakeStore store_;
  TestCollector collector_{&store_};
  std::optional<TestAgent> agent_;
  int64_t value_ = 0;
};

TEST_F(IngestTlsTest, TheRightAgentDelivers) {
  StartCollector();
  StartAgent();
  EXPECT_TRUE(Delivers());
}

TEST_F(IngestTlsTest, EachRequirementAloneWorksToo) {
  const std::string ca_file = agent_ca_file_;
  agent_ca_file_ = "";
  security_.cert_file = security_.key_file = "";
  StartCollector();
  StartAgent();
  EXPECT_TRUE(Delivers());
  agent_.reset();
  collector_.Stop();

  agent_ca_file_ = ca_file;
  tokens_file_ = "";
  security_.cert_file = folder_.Path("agent.crt");
  security_.key_file = folder_.Path("agent.key");
  security_.token_file = "";
  StartCollector();
  StartAgent();
  EXPECT_TRUE(Delivers());
}

TEST_F(IngestTlsTest, AnAgentWithTheWrongTrustDoesNotConnect) {
  StartCollector();
  tls::ClientFiles security = security_;
  security.ca_file = agent_ca_file_;
  EXPECT_THAT(FailureOf(security), HasSubstr("certificate verify failed"));
}

TEST_F(IngestTlsTest, AnExpiredCollectorIsNotTrusted) {
  InstallServer(authority_.Issue({.expires_in = absl::Minutes(-1)}));
  StartCollector();
  EXPECT_THAT(FailureOf(security_), HasSubstr("certificate verify failed"));
}

TEST_F(IngestTlsTest, TheCollectorsNameCounts) {
  InstallServer(authority_.Issue({.alternatives = {"DNS:collector.leadline.svc"}}));
  StartCollector();
  EXPECT_THAT(FailureOf(security_), HasSubstr("127.0.0.1"));
  security_.server_name = "collector.leadline.svc";
  StartAgent();
  EXPECT_TRUE(Delivers());
}

TEST_F(IngestTlsTest, AnAgentWithoutACertificateIsRefused) {
  StartCollector();
  tls::ClientFiles security = security_;
  security.cert_file = security.key_file = "";
  FailureOf(security);
}

TEST_F(IngestTlsTest, AnAgentOfAnotherAuthorityIsRefused) {
  InstallAgent(authority_.Issue());
  StartCollector();
  FailureOf(security_);
}

TEST_F(IngestTlsTest, AnExpiredAgentIsRefused) {
  InstallAgent(agents_.Issue({.expires_in = absl::Minutes(-1)}));
  StartCollector();
  FailureOf(security_);
}

TEST_F(IngestTlsTest, AWrongTokenIsRefusedWithAReason) {
  StartCollector();
  folder_.Write("token", kNextToken);
  EXPECT_THAT(FailureOf(security_),
              HasSubstr("refused: UNAUTHENTICATED: the bearer token is not valid"));
  EXPECT_GE(collector_.Metric("refusals_total", "token"), 2);
  EXPECT_TRUE(store_.samples().empty());
}

TEST_F(IngestTlsTest, NoTokenIsRefusedWithAReason) {
  StartCollector();
  security_.token_file = "";
  EXPECT_THAT(FailureOf(security_), HasSubstr("a bearer token is needed: --collector-token-file"));
}

TEST_F(IngestTlsTest, FilesThatAreMissingAreNamed) {
  StartCollector();
  tls::ClientFiles security = security_;
  security.token_file = "/nowhere/token";
  EXPECT_THAT(FailureOf(security), HasSubstr("token file /nowhere/token is not there"));
  security = security_;
  security.ca_file = "/nowhere/ca";
  EXPECT_THAT(FailureOf(security), HasSubstr("cannot connect to collector"));
  EXPECT_THAT(FailureOf(security), HasSubstr("/nowhere/ca: is not there"));
}

TEST_F(IngestTlsTest, ABatchIsNotTakenForRefusedWhenOurOwnFilesAreBad) {
  StartCollector();
  store_.FailWith(absl::UnavailableError("not now"));
  StartAgent();
  agent_->SendOne(1);
  // Every session begins with the same batch; the authority's file is empty now and then.
  for (int i = 0; i < 3; ++i) {
    const double sessions = agent_->Metric("sessions_total");
    EXPECT_TRUE(Eventually([&] { return agent_->Metric("sessions_total") > sessions; }));
    const double failures = agent_->Metric("connect_failures_total");
    folder_.Write("ca.crt", "");
    EXPECT_TRUE(
        Eventually([&] { return agent_->Metric("connect_failures_total") >= failures + 2; }));
    folder_.Write("ca.crt", authority_.certificate());
  }
  store_.FailWith(absl::OkStatus());
  EXPECT_TRUE(Eventually([&] { return agent_->sender().acknowledged_sequence() == 1; }));
  EXPECT_EQ(agent_->Metric("batches_dropped_total", "refused"), 0);
  EXPECT_EQ(store_.samples().size(), 1);
}

TEST_F(IngestTlsTest, ClearTextAndTlsDoNotMix) {
  StartCollector();
  tls::ClientFiles security = security_;
  security.encrypted = false;
  FailureOf(security);
  collector_.Stop();
  collector_.options.security = {};
  collector_.Start();
  security.encrypted = true;
  FailureOf(security);
}

TEST_F(IngestTlsTest, TheVersionIsAtLeast12) {
  agent_ca_file_ = "";
  StartCollector();
  const struct {
    int version;
    bool works;
  } cases[] = {{TLS1_1_VERSION, false}, {TLS1_2_VERSION, true}, {TLS1_3_VERSION, true}};
  for (const auto& c : cases) {
    SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_security_level(context, 0);  // what is old may be asked for
    SSL_CTX_set_min_proto_version(context, c.version);
    SSL_CTX_set_max_proto_version(context, c.version);
    const unsigned char protocols[] = "\x02h2";
    SSL_CTX_set_alpn_protos(context, protocols, 3);
    SSL* const ssl = SSL_new(context);
    const int fd = Connect(collector_.proxy().port());
    SSL_set_fd(ssl, fd);
    EXPECT_EQ(SSL_connect(ssl) == 1, c.works) << c.version;
    SSL_free(ssl);
    close(fd);
    SSL_CTX_free(context);
  }
}

TEST_F(IngestTlsTest, ASilentClientHoldsUpNobodyAndIsClosed) {
  collector_.options.handshake_timeout = absl::Seconds(2);
  StartCollector();
  std::array<int, 20> silent;
  for (int& fd : silent) fd = Connect(collector_.proxy().port());
  StartAgent();
  EXPECT_TRUE(Delivers());
  for (const int fd : silent) {
    char byte;
    while (recv(fd, &byte, 1, 0) == 1) {  // gRPC greets before it closes
    }
    close(fd);
  }
}

TEST_F(IngestTlsTest, CertificatesRotateUnderLoadAndNothingIsLost) {
  StartCollector();
  StartAgent();
  ASSERT_TRUE(Delivers());
  const TestAuthority next("Next CA");
  // Both authorities first, then the certificates, as in any rotation.
  folder_.Write("ca.crt", authority_.certificate() + next.certificate());
  for (int turn = 0; turn < 4; ++turn) {
    InstallServer((turn % 2 == 0 ? next : authority_).Issue());
    InstallAgent(agents_.Issue());
    clock_.AdvanceMs(1000);
    for (int i = 0; i < 20; ++i) agent_->SendOne(++value_);
    collector_.proxy().Cut();
    for (int i = 0; i < 20; ++i) agent_->SendOne(++value_);
    ASSERT_TRUE(Delivers()) << turn;
  }
  // Only the last is served: who trusts the other alone does not connect any more.
  EXPECT_EQ(store_.sequences(agent_->writer()).size(), agent_->sent());
  EXPECT_TRUE(store_.complaints().empty());
  agent_.reset();
  folder_.Write("ca.crt", next.certificate());
  FailureOf(security_);
}

TEST_F(IngestTlsTest, ARevokedTokenEndsTheSessionAndTheNextIsTakenUp) {
  StartCollector();
  StartAgent();
  ASSERT_TRUE(Delivers());
  folder_.Write("tokens", fmt::format("{}\n", kNextToken));
  clock_.AdvanceMs(1000);
  agent_->SendOne(++value_);
  EXPECT_TRUE(Eventually([&] { return collector_.Metric("refusals_total", "token") >= 2; }));
  EXPECT_EQ(agent_->sender().acknowledged_sequence(), 1U);
  folder_.Write("token", kNextToken);
  EXPECT_TRUE(Delivers());
}

}  // namespace
}  // namespace leadline::collector::ingest
