#include "common/clock.h"

#include <ctime>

namespace leadline {
namespace {

int64_t ReadNs(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

class RealClock final : public Clock {
 public:
  int64_t NowUnixMs() const override { return ReadNs(CLOCK_REALTIME) / 1'000'000; }
  int64_t NowMonoNs() const override { return ReadNs(CLOCK_MONOTONIC); }
};

}  // namespace

const Clock& SystemClock() {
  static const RealClock clock;
  return clock;
}

absl::Time SteadyNow() { return absl::UnixEpoch() + absl::Nanoseconds(ReadNs(CLOCK_MONOTONIC)); }

}  // namespace leadline
