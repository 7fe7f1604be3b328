#include "kube/http_session.h"

#include <unistd.h>

#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/status_text.h"
#include "tests/unit/kube/server/scripted_server.h"

namespace leadline::kube {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

constexpr size_t kLimit = 1000;

// A file that is removed with the object.
class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& content)
      : path_(testing::TempDir() + "leadline_kube_XXXXXX") {
    close(mkstemp(path_.data()));
    Write(content);
  }
  ~TemporaryFile() { unlink(path_.c_str()); }
  void Write(const std::string& content) const {
    FILE* file = std::fopen(path_.c_str(), "w");
    std::fputs(content.c_str(), file);
    std::fclose(file);
  }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

std::unique_ptr<HttpSession> Open(const ClientConfig& config) {
  auto session = HttpSession::Open(config);
  EXPECT_TRUE(session.ok()) << session.status();
  return session.ok() ? *std::move(session) : nullptr;
}

absl::StatusOr<std::string> GetBody(const ClientConfig& config) {
  return Open(config)->GetBody({.target = "/version"}, kLimit);
}

void ReplyOk(Exchange& exchange) { exchange.Reply(200, "ok"); }

TEST(HttpSession, SendsWhatTheServerNeedsOverOneConnection) {
  ScriptedServer server({ReplyOk, ReplyOk});
  const auto session =
      Open({.url = server.url() + "/prefix/", .token = "secret", .user_agent = "leadline/1"});
  EXPECT_EQ(*session->GetBody({.target = "/a?b=c", .accept = "text/x"}, kLimit), "ok");
  EXPECT_EQ(*session->GetBody({.target = "/b"}, kLimit), "ok");
  const auto requests = server.WaitForRequests(2);
  ASSERT_THAT(requests, SizeIs(2));
  EXPECT_EQ(requests[0].target, "/prefix/a?b=c");
  EXPECT_EQ(requests[0].headers.at("accept"), "text/x");
  EXPECT_EQ(requests[0].headers.at("authorization"), "Bearer secret");
  EXPECT_EQ(requests[0].headers.at("user-agent"), "leadline/1");
  EXPECT_EQ(requests[1].target, "/prefix/b");
}

TEST(HttpSession, WithoutATokenThereIsNoAuthorization) {
  ScriptedServer server({ReplyOk});
  EXPECT_TRUE(GetBody({.url = server.url()}).ok());
  EXPECT_FALSE(server.WaitForRequests(1)[0].headers.contains("authorization"));
}

TEST(HttpSession, ATokenFileThatChangesIsUsedAtOnce) {
  ScriptedServer server({ReplyOk, ReplyOk});
  const TemporaryFile token("first\n");
  const auto session = Open({.url = server.url(), .token = "no", .token_file = token.path()});
  EXPECT_TRUE(session->GetBody({.target = "/"}, kLimit).ok());
  token.Write("second");
  EXPECT_TRUE(session->GetBody({.target = "/"}, kLimit).ok());
  const auto requests = server.WaitForRequests(2);
  EXPECT_EQ(requests[0].headers.at("authorization"), "Bearer first");
  EXPECT_EQ(requests[1].headers.at("authorization"), "Bearer second");
}

TEST(HttpSession, ATokenFileWithoutATokenIsAnError) {
  ScriptedServer server({ReplyOk});
  const TemporaryFile token("first");
  const auto session = Open({.url = server.url(), .token_file = token.path()});
  for (const char* content : {"", "\n", "two words", "inject\r\nX-Evil: 1"}) {
    token.Write(content);
    EXPECT_EQ(session->GetBody({.target = "/"}, kLimit).status().code(),
              absl::StatusCode::kUnauthenticated)
        << content;
  }
  token.Write("good");
  EXPECT_TRUE(session->GetBody({.target = "/"}, kLimit).ok());
  EXPECT_THAT(server.WaitForRequests(1), SizeIs(1));
}

struct HttpError {
  int status;
  absl::StatusCode code;
};

class HttpErrors : public testing::TestWithParam<HttpError> {};

TEST_P(HttpErrors, BecomeStatuses) {
  ScriptedServer server({[](Exchange& exchange) {
    exchange.Reply(GetParam().status, R"({"kind":"Status","message":"because"})");
  }});
  const absl::Status status = GetBody({.url = server.url(), .token = "secret"}).status();
  EXPECT_EQ(status.code(), GetParam().code);
  EXPECT_EQ(StatusMessage(status), fmt::format("GET /version: HTTP {} because", GetParam().status));
}

INSTANTIATE_TEST_SUITE_P(All, HttpErrors,
                         testing::Values(HttpError{301, absl::StatusCode::kInternal},
                                         HttpError{400, absl::StatusCode::kInvalidArgument},
                                         HttpError{401, absl::StatusCode::kUnauthenticated},
                                         HttpError{403, absl::StatusCode::kPermissionDenied},
                                         HttpError{404, absl::StatusCode::kNotFound},
                                         HttpError{410, absl::StatusCode::kOutOfRange},
                                         HttpError{422, absl::StatusCode::kInvalidArgument},
                                         HttpError{429, absl::StatusCode::kResourceExhausted},
                                         HttpError{500, absl::StatusCode::kUnavailable},
                                         HttpError{503, absl::StatusCode::kUnavailable},
                                         HttpError{504, absl::StatusCode::kDeadlineExceeded}),
                         [](const auto& test) { return std::to_string(test.param.status); });

TEST(HttpSession, DoesNotFollowARedirect) {
  ScriptedServer elsewhere;
  ScriptedServer server({[&](Exchange& exchange) {
    exchange.Reply(302, "", fmt::format("Location: {}/\r\n", elsewhere.url()));
  }});
  EXPECT_FALSE(GetBody({.url = server.url(), .token = "secret"}).ok());
  EXPECT_THAT(elsewhere.WaitForRequests(0), SizeIs(0));
}

TEST(HttpSession, RefusesABodyOverTheLimit) {
  ScriptedServer server(
      {[](Exchange& exchange) { exchange.Reply(200, std::string(kLimit + 1, 'x')); }});
  EXPECT_EQ(GetBody({.url = server.url()}).status().code(), absl::StatusCode::kResourceExhausted);
}

TEST(HttpSession, ABodyThatBreaksOffIsAnError) {
  ScriptedServer server({[](Exchange& exchange) {
    exchange.Send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
    exchange.Reset();
  }});
  EXPECT_EQ(GetBody({.url = server.url()}).status().code(), absl::StatusCode::kUnavailable);
}

TEST(HttpSession, SilenceIsAnError) {
  ScriptedServer server({[](Exchange& exchange) {
    exchange.BeginStream();
    exchange.Chunk("x");
    exchange.Hold();
  }});
  const auto session = Open({.url = server.url()});
  const absl::Status status =
      session->GetBody({.target = "/", .max_silence_ms = 30}, kLimit).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
}

TEST(HttpSession, StopEndsATransferAndAllLaterOnes) {
  ScriptedServer server;
  const auto session = Open({.url = server.url()});
  std::thread stopper([&] {
    server.WaitForRequests(1);
    session->Stop();
  });
  EXPECT_EQ(session->GetBody({.target = "/"}, kLimit).status().code(),
            absl::StatusCode::kCancelled);
  stopper.join();
  EXPECT_EQ(session->GetBody({.target = "/"}, kLimit).status().code(),
            absl::StatusCode::kCancelled);
}

TEST(HttpSession, ErrorsDoNotShowTheToken) {
  ScriptedServer server({[](Exchange& exchange) { exchange.Reply(401, "no"); }});
  EXPECT_THAT(
      std::string(StatusMessage(GetBody({.url = server.url(), .token = "secret"}).status())),
      Not(HasSubstr("secret")));
}

TEST(HttpSessionTls, AcceptsTheServerOfItsCa) {
  const auto server = ScriptedServer::WithTls({ReplyOk});
  const TemporaryFile ca(server->ca_pem());
  const auto body = GetBody({.url = server->url(), .ca_file = ca.path()});
  EXPECT_TRUE(body.ok()) << body.status();
}

TEST(HttpSessionTls, RefusesTheServerOfAnotherCa) {
  const auto server = ScriptedServer::WithTls({ReplyOk});
  const auto other = ScriptedServer::WithTls({});
  const TemporaryFile ca(other->ca_pem());
  EXPECT_EQ(GetBody({.url = server->url(), .ca_file = ca.path()}).status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(GetBody({.url = server->url()}).status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(server->WaitForRequests(0), SizeIs(0));
}

TEST(HttpSessionTls, InsecureAcceptsAnyServer) {
  const auto server = ScriptedServer::WithTls({ReplyOk});
  EXPECT_TRUE(GetBody({.url = server->url(), .insecure_skip_tls_verify = true}).ok());
}

TEST(HttpSessionTls, ACaMayBeGivenAsText) {
  const auto server = ScriptedServer::WithTls({ReplyOk});
  const auto other = ScriptedServer::WithTls({});
  EXPECT_TRUE(GetBody({.url = server->url(), .ca_pem = server->ca_pem()}).ok());
  EXPECT_FALSE(GetBody({.url = server->url(), .ca_pem = other->ca_pem()}).ok());
}

TEST(HttpSessionTls, ShowsItsCertificate) {
  const auto server = ScriptedServer::WithTls({ReplyOk, ReplyOk, ReplyOk});
  const TemporaryFile certificate(server->ca_pem());
  const TemporaryFile key(server->key_pem());
  const std::vector<ClientConfig> configs = {
      {.url = server->url(),
       .client_certificate_pem = server->ca_pem(),
       .client_key_pem = server->key_pem(),
       .ca_pem = server->ca_pem()},
      {.url = server->url(),
       .client_certificate_file = certificate.path(),
       .client_key_file = key.path(),
       .ca_pem = server->ca_pem()},
      {.url = server->url(), .ca_pem = server->ca_pem()},
  };
  for (const ClientConfig& config : configs) {
    const auto body = GetBody(config);
    EXPECT_TRUE(body.ok()) << body.status();
  }
  const auto requests = server->WaitForRequests(3);
  ASSERT_THAT(requests, SizeIs(3));
  EXPECT_TRUE(requests[0].has_client_certificate);
  EXPECT_TRUE(requests[1].has_client_certificate);
  EXPECT_FALSE(requests[2].has_client_certificate);
}

TEST(HttpSessionTls, ACertificateAndAKeyThatAreNoPairAreAnError) {
  const auto server = ScriptedServer::WithTls({ReplyOk});
  const auto other = ScriptedServer::WithTls({});
  EXPECT_EQ(GetBody({.url = server->url(),
                     .client_certificate_pem = server->ca_pem(),
                     .client_key_pem = other->key_pem(),
                     .ca_pem = server->ca_pem()})
                .status()
                .code(),
            absl::StatusCode::kUnavailable);
}

TEST(HttpSessionTls, AnotherServerNameTakesTheHostsPlace) {
  const auto server = ScriptedServer::WithTls({ReplyOk, ReplyOk});
  const auto get = [&](const std::string& name) {
    return GetBody(
        {.url = server->url() + "/prefix/", .ca_pem = server->ca_pem(), .tls_server_name = name});
  };
  const auto body = get("scripted.test");
  EXPECT_TRUE(body.ok()) << body.status();
  EXPECT_EQ(get("another.test").status().code(), absl::StatusCode::kUnavailable);
  const auto requests = server->WaitForRequests(1);
  ASSERT_THAT(requests, SizeIs(1));
  EXPECT_EQ(requests[0].server_name, "scripted.test");
  EXPECT_EQ("https://" + requests[0].headers.at("host"), server->url());
  EXPECT_EQ(requests[0].target, "/prefix/version");
}

// Gives out "first" until it is refused, then "second".
class TwoCredentials final : public CredentialSource {
 public:
  absl::StatusOr<Credential> Get(int) override {
    return Credential{.token = serial_ == 1 ? "first" : "second", .serial = serial_};
  }
  void Refused(uint64_t serial) override { serial_ = serial + 1; }

 private:
  uint64_t serial_ = 1;
};

class NoCredentials final : public CredentialSource {
 public:
  absl::StatusOr<Credential> Get(int) override { return absl::UnauthenticatedError("log in"); }
  void Refused(uint64_t) override {}
};

TEST(HttpSession, ACredentialThatIsRefusedIsReplaced) {
  ScriptedServer server(
      {ReplyOk, [](Exchange& exchange) { exchange.Reply(401, "expired"); }, ReplyOk});
  const auto session =
      Open({.url = server.url(), .credentials = std::make_shared<TwoCredentials>()});
  EXPECT_TRUE(session->GetBody({.target = "/"}, kLimit).ok());
  EXPECT_EQ(session->GetBody({.target = "/"}, kLimit).status().code(),
            absl::StatusCode::kUnauthenticated);
  EXPECT_TRUE(session->GetBody({.target = "/"}, kLimit).ok());
  const auto requests = server.WaitForRequests(3);
  EXPECT_EQ(requests[0].headers.at("authorization"), "Bearer first");
  EXPECT_EQ(requests[1].headers.at("authorization"), "Bearer first");
  EXPECT_EQ(requests[2].headers.at("authorization"), "Bearer second");
}

TEST(HttpSession, WithoutACredentialNothingIsAskedFor) {
  ScriptedServer server({ReplyOk});
  const auto session =
      Open({.url = server.url(), .credentials = std::make_shared<NoCredentials>()});
  const absl::Status status = session->GetBody({.target = "/"}, kLimit).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
  EXPECT_EQ(StatusMessage(status), "log in");
  EXPECT_THAT(server.WaitForRequests(0), SizeIs(0));
}

TEST(HttpSession, GoesThroughTheProxyThatIsNamed) {
  ScriptedServer proxy({ReplyOk});
  EXPECT_TRUE(GetBody({.url = "http://kube.test:8080", .proxy_url = proxy.url()}).ok());
  const auto requests = proxy.WaitForRequests(1);
  EXPECT_EQ(requests[0].target, "http://kube.test:8080/version");
}

TEST(HttpSession, NamesItselfByUserAndPassword) {
  ScriptedServer server({ReplyOk});
  EXPECT_TRUE(GetBody({.url = server.url(), .username = "eve", .password = "p:w"}).ok());
  EXPECT_EQ(server.WaitForRequests(1)[0].headers.at("authorization"), "Basic ZXZlOnA6dw==");
}

TEST(ClientConfig, SaysWhatIsWrong) {
  const auto error = [](const ClientConfig& config) {
    return std::string(StatusMessage(Validate(config)));
  };
  EXPECT_EQ(error({.url = "http://127.0.0.1:8080"}), "");
  EXPECT_EQ(error({.url = "https://[::1]:6443/k8s/clusters/c-1"}), "");
  EXPECT_THAT(error({.url = ""}), HasSubstr("API server URL \"\""));
  EXPECT_THAT(error({.url = "127.0.0.1:8080"}), HasSubstr("API server URL"));
  EXPECT_THAT(error({.url = "https://:6443"}), HasSubstr("API server URL \"https://:6443\""));
  EXPECT_THAT(error({.url = "https://h:0"}), HasSubstr("API server URL has port 0"));
  EXPECT_THAT(error({.url = "file:///etc/passwd"}),
              HasSubstr("does not begin with http:// or https://"));
  EXPECT_THAT(error({.url = "http://u:p@host/"}), HasSubstr("has a user"));
  EXPECT_THAT(error({.url = "http://host/?a=b"}), HasSubstr("has a user, a query"));
  EXPECT_THAT(error({.url = "http://host", .token = "a\nb"}), HasSubstr("control characters"));
  EXPECT_THAT(error({.url = "http://host", .token_file = "/no/token"}),
              HasSubstr("token file /no/token"));
  EXPECT_THAT(error({.url = "https://host", .ca_file = "/no/ca"}), HasSubstr("CA file /no/ca"));
  EXPECT_EQ(error({.url = "https://host", .ca_file = "/no/ca", .ca_pem = "text"}), "");
  EXPECT_THAT(error({.url = "https://host", .client_certificate_pem = "text"}),
              HasSubstr("comes without its key"));
  EXPECT_THAT(error({.url = "https://host", .client_key_file = "/no/key"}),
              HasSubstr("comes without its certificate"));
  EXPECT_THAT(error({.url = "https://host", .tls_server_name = "a/b"}), HasSubstr("no host name"));
  EXPECT_THAT(error({.url = "https://host", .proxy_url = "ftp://p"}), HasSubstr("proxy URL"));
  EXPECT_EQ(error({.url = "https://host", .proxy_url = "http://user:word@p:1"}), "");
  EXPECT_THAT(error({.url = "https://host", .ca_pem = "text", .insecure_skip_tls_verify = true}),
              HasSubstr("one or the other"));
}

}  // namespace
}  // namespace leadline::kube
