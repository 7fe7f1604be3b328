#include "common/tls/pem.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/status_text.h"
#include "tests/unit/common/tls/authority/test_authority.h"

namespace leadline::tls {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(Pem, CertificatesSayWhenTheFirstExpires) {
  const TestAuthority authority;
  const KeyPair pair = authority.Issue({.expires_in = absl::Minutes(-5)});
  const auto expiry = CheckCertificates("f", pair.certificate + authority.certificate());
  ASSERT_TRUE(expiry.ok()) << expiry.status();
  EXPECT_NEAR(static_cast<double>(*expiry),
              static_cast<double>(absl::ToUnixSeconds(absl::Now()) - 300), 60);
}

TEST(Pem, WhatIsNoCertificateIsSaid) {
  const TestAuthority authority;
  const KeyPair pair = authority.Issue();
  EXPECT_EQ(StatusMessage(CheckCertificates("f", "").status()), "f: has no certificate in PEM");
  EXPECT_EQ(StatusMessage(CheckCertificates("f", pair.key).status()),
            "f: has no certificate in PEM");
  std::string broken = authority.certificate();
  broken[broken.size() / 2] = '!';
  EXPECT_THAT(
      std::string(StatusMessage(CheckCertificates("f", authority.certificate() + broken).status())),
      StartsWith("f: certificate 2 is broken: "));
}

TEST(Pem, TheKeyMustBeThatOfTheFirstCertificate) {
  const TestAuthority authority;
  const KeyPair pair = authority.Issue();
  const KeyPair other = authority.Issue();
  EXPECT_TRUE(CheckKey("k", pair.key, "c", pair.certificate + authority.certificate()).ok());
  EXPECT_EQ(StatusMessage(CheckKey("k", other.key, "c", pair.certificate)),
            "k: is not the key of the certificate in c");
  EXPECT_EQ(StatusMessage(CheckKey("k", pair.certificate, "c", pair.certificate)),
            "k: has no private key in PEM");
  EXPECT_EQ(StatusMessage(CheckKey("k", Encrypted(pair.key), "c", pair.certificate)),
            "k: the key is encrypted, which is not supported");
}

TEST(Pem, AFileThatIsNotThereIsSaid) {
  EXPECT_EQ(StatusMessage(ReadPem("/nowhere.pem").status()), "/nowhere.pem: is not there");
  EXPECT_THAT(std::string(StatusMessage(ReadPem("/").status())), HasSubstr("Is a directory"));
}

}  // namespace
}  // namespace leadline::tls
