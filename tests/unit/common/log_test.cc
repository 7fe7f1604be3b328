#include "common/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

namespace leadline {
namespace {

using testing::EndsWith;
using testing::StartsWith;

TEST(Log, AMessageIsOneLineWhateverItSays) {
  const auto before = spdlog::default_logger();
  ASSERT_TRUE(SetUpLog("program", "info").ok());
  testing::internal::CaptureStderr();
  spdlog::warn("{}", "no context \"a\\b\"\nts=1\tmsg=\"forged\"\x1b[31m ü");
  const std::string log = testing::internal::GetCapturedStderr();
  spdlog::set_default_logger(before);
  EXPECT_THAT(log, StartsWith("ts=2"));
  EXPECT_THAT(log, EndsWith("Z level=warning program=program msg=\"no context \\\"a\\\\b\\\"\\n"
                            "ts=1\\tmsg=\\\"forged\\\"\\u001b[31m ü\"\n"));
}

TEST(Log, AnotherLevelIsNamed) {
  EXPECT_EQ(SetUpLog("other", "loud").code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace leadline
