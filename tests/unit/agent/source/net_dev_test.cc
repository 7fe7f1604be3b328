#include "agent/source/net_dev.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

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

TEST(NetworkNamespace, IsOneOfAProcessAndItsChild) {
  const auto own = NetworkNamespace(getpid());
  ASSERT_TRUE(own.ok()) << own.status();
  const pid_t child = fork();
  if (child == 0) {
    pause();
    _exit(0);
  }
  const auto of_child = NetworkNamespace(child);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  ASSERT_TRUE(of_child.ok()) << of_child.status();
  EXPECT_EQ(*own, *of_child);
  EXPECT_EQ(NetworkNamespace(child).status().code(), absl::StatusCode::kNotFound);
}

TEST(FileError, TellsWhatIsGoneFromWhatIsRefused) {
  const struct {
    int error;
    absl::StatusCode want;
  } cases[] = {{ENOENT, absl::StatusCode::kNotFound},
               {ESRCH, absl::StatusCode::kNotFound},
               {EACCES, absl::StatusCode::kPermissionDenied},
               {EPERM, absl::StatusCode::kPermissionDenied},
               {EIO, absl::StatusCode::kInternal}};
  for (const auto& c : cases) {
    const absl::Status status = FileError("stat", "/proc/7/ns/net", c.error);
    EXPECT_EQ(status.code(), c.want) << c.error;
    EXPECT_NE(status.ToString().find("stat /proc/7/ns/net: "), std::string::npos) << status;
  }
}

}  // namespace
}  // namespace leadline::agent::source
