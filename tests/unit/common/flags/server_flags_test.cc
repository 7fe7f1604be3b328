#include "common/flags/server_flags.h"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::flags {
namespace {

using ::testing::HasSubstr;

struct ServerFlags {
  std::optional<int> exit_code;
  std::string err;
  tls::Certificate certificate;
  tls::Access access;
  bool insecure = false;
};

ServerFlags ParseServerFlags(std::vector<const char*> arguments) {
  ServerFlags outcome;
  std::string address = "127.0.0.1:1";
  Program program("program", "");
  program.app().add_option("--http", address);
  AddServerFlags(program, {{"http", &address, &outcome.access, "those who ask"}},
                 outcome.certificate, outcome.insecure);
  arguments.insert(arguments.begin(), "program");
  std::ostringstream out, err;
  outcome.exit_code = program.Parse(static_cast<int>(arguments.size()), arguments.data(), out, err);
  outcome.err = err.str();
  return outcome;
}

TEST(ServerFlags, LoopbackNeedsNothing) {
  for (const char* address : {"127.0.0.1:7070", "127.8.9.1:0", "[::1]:7070", "localhost:1", ""}) {
    EXPECT_EQ(ParseServerFlags({"--http", address}).exit_code, std::nullopt) << address;
  }
}

TEST(ServerFlags, AnyOtherAddressIsRefusedWithWhatMendsIt) {
  for (const char* address : {"0.0.0.0:7070", ":7070", "[::]:7070", "10.0.0.1:7070", "host:7070",
                              "[::ffff:127.0.0.1]:1", "127.0.0.1.example:7070"}) {
    const ServerFlags outcome = ParseServerFlags({"--http", address});
    EXPECT_EQ(outcome.exit_code, 2) << address;
    EXPECT_EQ(outcome.err,
              std::string("error: --http: ") + address +
                  " is not loopback, so whoever reaches it could use it: give --http-tokens-file "
                  "or --http-client-ca-file, each with --tls-cert-file and --tls-key-file; or "
                  "--insecure to go without\nSee \"program --help\".\n");
  }
}

TEST(ServerFlags, TokensInClearAreRefusedToo) {
  const ServerFlags outcome = ParseServerFlags({"--http", "0.0.0.0:1", "--http-tokens-file", "t"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_THAT(outcome.err, HasSubstr("could read its tokens: give --tls-cert-file"));
  EXPECT_EQ(ParseServerFlags({"--http-tokens-file", "t"}).exit_code, std::nullopt);
}

TEST(ServerFlags, WhatProtectsIsTaken) {
  const ServerFlags outcome =
      ParseServerFlags({"--http", "0.0.0.0:1", "--http-tokens-file", "t", "--http-client-ca-file",
                        "ca", "--tls-cert-file", "c", "--tls-key-file", "k"});
  EXPECT_EQ(outcome.exit_code, std::nullopt) << outcome.err;
  EXPECT_EQ(outcome.access.tokens_file, "t");
  EXPECT_EQ(outcome.access.client_ca_file, "ca");
  EXPECT_EQ(outcome.certificate.cert_file, "c");
  EXPECT_EQ(outcome.certificate.key_file, "k");
}

TEST(ServerFlags, InsecureGoesWithout) {
  const ServerFlags outcome = ParseServerFlags({"--http", "0.0.0.0:1", "--insecure"});
  EXPECT_EQ(outcome.exit_code, std::nullopt) << outcome.err;
  EXPECT_TRUE(outcome.insecure);
}

TEST(ServerFlags, HalvesAreRefused) {
  EXPECT_THAT(ParseServerFlags({"--tls-cert-file", "c"}).err, HasSubstr("requires --tls-key-file"));
  EXPECT_THAT(ParseServerFlags({"--tls-key-file", "k"}).err, HasSubstr("requires --tls-cert-file"));
  EXPECT_THAT(ParseServerFlags({"--http-client-ca-file", "ca"}).err,
              HasSubstr("--http-client-ca-file: needs --tls-cert-file and --tls-key-file as well"));
}

}  // namespace
}  // namespace leadline::flags
