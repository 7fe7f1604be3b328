// The real probes and a control group of its own for each test of system calls, by each way to set
// the probes.
#pragma once

#include <sys/syscall.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "gtest/gtest.h"

#include "agent/probes/probes.h"
#include "tests/bpf/cgroup_fixture.h"
#include "tests/bpf/probes_fixture.h"

namespace leadline::testing {

// The parameter is the kind of hook to avoid.
class SyscallsTest : public ::testing::TestWithParam<const char*> {
 protected:
  // Calls that neither the C library nor a sanitizer's runtime makes by itself.
  static constexpr long kRareCall = SYS_sched_get_priority_max;
  static constexpr long kRareFailingCall = SYS_timer_delete;

  void SetUp() override { Load({}); }

  // In place of the probes that there are.
  void Load(agent::probes::ProbeOptions options) {
    probes_ = nullptr;
    options.avoid_hooks = {GetParam()};
    probes_ = LoadProbes(options);
    ASSERT_NE(probes_, nullptr);
  }

  // The row of this test's cgroup.
  Row ReadRow(long nr) { return RowOf(ReadRows(*probes_), cgroup_.id(), nr); }

  uint64_t LossOf(std::string_view reason) const {
    return leadline::testing::LossOf(*probes_, reason);
  }

  TestCgroup cgroup_;
  std::unique_ptr<agent::probes::Probes> probes_;
};

// Every test of `Suite`, a SyscallsTest, by each way.
#define LL_BY_EACH_HOOK(Suite)                                                                     \
  INSTANTIATE_TEST_SUITE_P(Hooks, Suite, ::testing::Values("raw_tp/", "tp_btf/"),                  \
                           [](const auto& test) {                                                  \
                             return std::string_view(test.param) == "raw_tp/" ? "TpBtf" : "RawTp"; \
                           })

}  // namespace leadline::testing
