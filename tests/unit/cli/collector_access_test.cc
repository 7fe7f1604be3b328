#include "cli/collector_access.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/status_text.h"

namespace leadline::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(CollectorUrl, HasASchemeAndNoSlashAtItsEnd) {
  EXPECT_EQ(*CollectorUrl({}), "http://127.0.0.1:7070");
  EXPECT_EQ(*CollectorUrl({.url = "host:7070/"}), "http://host:7070");
  EXPECT_EQ(*CollectorUrl({.url = "host:7070", .files = {.ca_file = "ca"}}), "https://host:7070");
  EXPECT_EQ(*CollectorUrl({.url = "https://host/prefix//"}), "https://host/prefix");
}

TEST(CollectorUrl, IsOfSomethingToConnectTo) {
  const struct {
    const char* url;
    const char* says;
  } cases[] = {
      {"http://:0", "names no host"},
      {":7070", "names no host"},
      {"https:///api", "names no host"},
      {"http://", "is not host"},
      {"host:0", "has port 0"},
      {"https://[::1]:0/api", "has port 0"},
      {"http://host:99999", "is not host"},
  };
  for (const auto& c : cases) {
    const auto url = CollectorUrl({.url = c.url});
    EXPECT_EQ(url.status().code(), absl::StatusCode::kInvalidArgument) << c.url;
    EXPECT_THAT(std::string(StatusMessage(url.status())),
                AllOf(HasSubstr("--collector "), HasSubstr(c.says)));
  }
}

TEST(CollectorUrl, TokensGoInClearToThisMachineOnly) {
  const tls::ClientFiles token{.token_file = "t"};
  for (const char* url : {"http://127.0.0.1:7070", "http://localhost", "http://[::1]:7070/x",
                          "http://[::1]", "https://far.example:7070"}) {
    EXPECT_TRUE(CollectorUrl({.url = url, .files = token}).ok()) << url;
  }
  for (const char* url : {"http://far.example:7070", "http://127.0.0.1@far.example", "far.example",
                          "http://far.example/127.0.0.1:1", "http://[fe80::1]"}) {
    EXPECT_THAT(std::string(StatusMessage(CollectorUrl({.url = url, .files = token}).status())),
                HasSubstr("in clear"))
        << url;
    EXPECT_TRUE(CollectorUrl({.url = url, .files = token, .insecure = true}).ok()) << url;
  }
}

TEST(CollectorUrl, FilesForTlsNeedHttps) {
  EXPECT_THAT(std::string(StatusMessage(
                  CollectorUrl({.url = "http://h:1", .files = {.ca_file = "ca"}}).status())),
              HasSubstr("are for https"));
}

}  // namespace
}  // namespace leadline::cli
