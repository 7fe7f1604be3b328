#include "agent/source/net_dev.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::agent::source {
namespace {

constexpr char kHeading[] =
    "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop "
    "fifo colls carrier compressed\n";

TEST(NetDev, ReadsEveryInterfaceButTheLoopback) {
  const auto interfaces = ParseNetDev(std::string(kHeading) +
                                      "    lo:    9 9 9 9 0 0 0 0 9 9 9 9 0 0 0 0\n"
                                      "  eth0: 1 2 3 4 5 6 7 8 11 12 13 14 15 16 17 18\n"
                                      "eth0:1:21 22 0 0 0 0 0 0 31 32 0 0 0 0 0 0\n");
  ASSERT_TRUE(interfaces.ok()) << interfaces.status();
  EXPECT_THAT(*interfaces,
              testing::ElementsAre(InterfaceCounters{"eth0", 1, 2, 3, 4, 11, 12, 13, 14},
                                   InterfaceCounters{"eth0:1", 21, 22, 0, 0, 31, 32, 0, 0}));
}

TEST(NetDev, NamesTheLineThatIsNotUnderstood) {
  for (const char* line :
       {"eth0 1 2 3\n", "eth0: 1 2 3\n", "eth0: a b c d e f g h i j k l m n o p\n"}) {
    const auto interfaces = ParseNetDev(std::string(kHeading) + line);
    EXPECT_EQ(interfaces.status().code(), absl::StatusCode::kInvalidArgument);
    EXPECT_NE(interfaces.status().message().find("eth0"), std::string::npos);
  }
}

}  // namespace
}  // namespace leadline::agent::source
