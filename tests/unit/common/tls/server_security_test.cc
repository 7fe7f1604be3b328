#include "common/tls/server_security.h"

#include <sys/stat.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "tests/unit/common/tls/authority/test_authority.h"

namespace leadline::tls {
namespace {

using ::testing::HasSubstr;

constexpr char kToken[] = "0123456789abcdef";
constexpr char kOtherToken[] = "fedcba9876543210";

class ServerSecurityTest : public testing::Test {
 protected:
  ServerSecurityTest() { Install(authority_.Issue()); }

  void Install(const KeyPair& pair) {
    folder_.Write("tls.crt", pair.certificate);
    folder_.Write("tls.key", pair.key);
  }

  absl::StatusOr<ServerSecurity> Open(const Access& access = {}) {
    return ServerSecurity::Open({folder_.Path("tls.crt"), folder_.Path("tls.key")}, access, "http",
                                clock_, registry_, "leadline_test");
  }

  // Lets a second pass, so that the files are looked at.
  void NextLook() { clock_.AdvanceMs(1000); }

  double Reloads(const std::string& what, const std::string& outcome) {
    for (const auto& family : registry_.Collect()) {
      for (const auto& metric : family.metric) {
        if (metric.label.at(0).value == outcome && metric.label.at(1).value == what) {
          return metric.counter.value;
        }
      }
    }
    return -1;
  }

  ManualClock clock_{absl::ToUnixMillis(absl::Now())};
  prometheus::Registry registry_;
  FileFolder folder_;
  TestAuthority authority_;
};

TEST_F(ServerSecurityTest, RotatedCertificatesAreTakenUpWithTheNextLook) {
  const auto security = Open();
  ASSERT_TRUE(security.ok()) << security.status();
  const auto first = security->keys->Get();
  Install(authority_.Issue());
  EXPECT_EQ(security->keys->Get(), first);
  NextLook();
  const auto second = security->keys->Get();
  EXPECT_NE(second->certificates, first->certificates);
  NextLook();
  EXPECT_EQ(security->keys->Get(), second);
  EXPECT_EQ(Reloads("http_certificates", "ok"), 1);
}

TEST_F(ServerSecurityTest, HalfARotationIsNotServed) {
  const auto security = Open();
  ASSERT_TRUE(security.ok()) << security.status();
  const auto first = security->keys->Get();
  const KeyPair next = authority_.Issue();
  folder_.Write("tls.crt", next.certificate);
  NextLook();
  EXPECT_EQ(security->keys->Get(), first);
  EXPECT_EQ(Reloads("http_certificates", "failed"), 1);
  NextLook();
  EXPECT_EQ(security->keys->Get(), first);
  EXPECT_EQ(Reloads("http_certificates", "failed"), 1);  // told once
  folder_.Write("tls.key", next.key);
  NextLook();
  EXPECT_EQ(security->keys->Get()->certificates, next.certificate);
}

TEST_F(ServerSecurityTest, TokensThatAreTakenAwayAdmitNobody) {
  const std::string file = folder_.Write("tokens", std::string(kToken) + "\n");
  const auto security = Open({.tokens_file = file});
  ASSERT_TRUE(security.ok()) << security.status();
  EXPECT_TRUE(security->tokens->Get()->Contains(kToken));
  folder_.Write("tokens", std::string(kOtherToken) + "\n");
  NextLook();
  EXPECT_FALSE(security->tokens->Get()->Contains(kToken));
  EXPECT_TRUE(security->tokens->Get()->Contains(kOtherToken));
  folder_.Write("tokens", "");
  NextLook();
  EXPECT_FALSE(security->tokens->Get()->Contains(kOtherToken));
}

TEST_F(ServerSecurityTest, ABrokenOrMissingFileChangesNothing) {
  const std::string file = folder_.Write("tokens", std::string(kToken) + "\n");
  const auto security = Open({.tokens_file = file});
  ASSERT_TRUE(security.ok()) << security.status();
  folder_.Write("tokens", "no token\n");
  NextLook();
  EXPECT_TRUE(security->tokens->Get()->Contains(kToken));
  ASSERT_EQ(std::remove(file.c_str()), 0);
  NextLook();
  EXPECT_TRUE(security->tokens->Get()->Contains(kToken));
  EXPECT_EQ(Reloads("http_tokens", "failed"), 2);
}

TEST_F(ServerSecurityTest, WhatCannotWorkIsSaidAtTheStart) {
  EXPECT_THAT(Open({.client_ca_file = "/nowhere"}).status().message(),
              HasSubstr("/nowhere: is not there"));
  EXPECT_THAT(Open({.tokens_file = folder_.Write("none", "# nobody\n")}).status().message(),
              HasSubstr("none: has no token"));
  folder_.Write("tls.key", authority_.Issue().key);
  EXPECT_THAT(Open().status().message(), HasSubstr("tls.key: is not the key of the certificate"));
  EXPECT_THAT(ServerSecurity::Open({}, {.client_ca_file = "ca"}, "http", clock_, registry_, "p")
                  .status()
                  .message(),
              HasSubstr("ca: client certificates need a certificate of the server"));
}

TEST_F(ServerSecurityTest, NothingIsNothing) {
  const auto security = ServerSecurity::Open({}, {}, "http", clock_, registry_, "p");
  ASSERT_TRUE(security.ok());
  EXPECT_EQ(security->keys, nullptr);
  EXPECT_FALSE(security->needs_anything());
}

}  // namespace
}  // namespace leadline::tls
