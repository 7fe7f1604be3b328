#include "common/stop_signal.h"

#include <poll.h>
#include <unistd.h>

#include <csignal>

#include <gtest/gtest.h>

namespace leadline {
namespace {

// Whether `signal` asks to stop, in a process of its own: it blocks signals. Exits with 0 for yes
// and 1 for no.
void SendItself(int signal, void (*before)(int)) {
  std::signal(signal, before);
  auto stop = StopSignal::Open();
  if (!stop.ok()) _exit(2);
  kill(getpid(), signal);
  pollfd asked{.fd = stop->fd(), .events = POLLIN, .revents = 0};
  _exit(poll(&asked, 1, 0) == 1 ? 0 : 1);
}

class StopSignalTest : public testing::TestWithParam<int> {};

TEST_P(StopSignalTest, AsksToStop) {
  EXPECT_EXIT(SendItself(GetParam(), SIG_DFL), testing::ExitedWithCode(0), "");
}

INSTANTIATE_TEST_SUITE_P(Signals, StopSignalTest, testing::Values(SIGINT, SIGTERM, SIGHUP));

TEST(StopSignal, UnderNohupAHangUpIsNothing) {
  EXPECT_EXIT(SendItself(SIGHUP, SIG_IGN), testing::ExitedWithCode(1), "");
}

}  // namespace
}  // namespace leadline
