#include "agent/features/surroundings.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::agent {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

class SurroundingsTest : public testing::Test {
 protected:
  SurroundingsTest() {
    std::string pattern = testing::TempDir() + "/surroundings-XXXXXX";
    root_ = mkdtemp(pattern.data());
    Write("/sys/kernel/btf/vmlinux", "");
    Write("/sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
    Status("000001ffffffffff", 0);
  }
  ~SurroundingsTest() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& path, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  void Status(const std::string& effective, int seccomp) {
    Write("/proc/self/status", "Name:\tleadline-agent\nCapInh:\t0000000000000000\nCapEff:\t" +
                                   effective + "\nSeccomp:\t" + std::to_string(seccomp) +
                                   "\nSeccomp_filters:\t1\n");
  }

  std::string root_;
};

TEST_F(SurroundingsTest, NothingIsInTheWayOfRoot) {
  const Surroundings here = LookAround(root_);
  EXPECT_TRUE(here.Has(Capability::kSysPtrace));
  EXPECT_FALSE(here.seccomp_filter);
  EXPECT_TRUE(here.btf);
  EXPECT_EQ(here.lockdown, "none");
}

TEST_F(SurroundingsTest, AreReadFromTheKernelsFiles) {
  Status("0000008000000004", 2);  // CAP_BPF and CAP_DAC_READ_SEARCH
  Write("/sys/kernel/security/lockdown", "none integrity [confidentiality]\n");
  std::filesystem::remove(root_ + "/sys/kernel/btf/vmlinux");
  const Surroundings here = LookAround(root_);
  EXPECT_TRUE(here.Has(Capability::kBpf));
  EXPECT_TRUE(here.Has(Capability::kDacReadSearch));
  EXPECT_FALSE(here.Has(Capability::kPerfmon));
  EXPECT_FALSE(here.Has(Capability::kSysAdmin));
  EXPECT_TRUE(here.seccomp_filter);
  EXPECT_FALSE(here.btf);
  EXPECT_EQ(here.lockdown, "confidentiality");
}

TEST_F(SurroundingsTest, WhatCannotBeReadIsAllowed) {
  std::filesystem::remove_all(root_ + "/proc");
  std::filesystem::remove_all(root_ + "/sys/kernel/security");
  EXPECT_THAT(ObstaclesToBpf(LookAround(root_)), IsEmpty());
}

constexpr uint64_t Without(Capability capability, uint64_t from = ~uint64_t{0}) {
  return from & ~(uint64_t{1} << static_cast<unsigned>(capability));
}
const uint64_t kNoAdmin = Without(Capability::kSysAdmin);

TEST(ObstaclesToBpf, EachHasAReasonAndAMend) {
  const auto problem = [](const char* text) {
    return AllOf(Field(&Obstacle::problem, HasSubstr(text)),
                 Field(&Obstacle::mend, testing::Not("")));
  };
  EXPECT_THAT(ObstaclesToBpf({.capabilities = kNoAdmin}), IsEmpty());
  EXPECT_THAT(ObstaclesToBpf({.capabilities = Without(Capability::kBpf)}), IsEmpty());
  EXPECT_THAT(ObstaclesToBpf({.capabilities = Without(Capability::kBpf, kNoAdmin)}),
              ElementsAre(problem("CAP_BPF is missing")));
  EXPECT_THAT(ObstaclesToBpf({.capabilities = 0}),
              ElementsAre(problem("CAP_BPF"), problem("CAP_PERFMON")));
  EXPECT_THAT(ObstaclesToBpf({.seccomp_filter = true}), IsEmpty());
  EXPECT_THAT(ObstaclesToBpf({.seccomp_filter = true, .bpf_call_refused = true}),
              ElementsAre(problem("seccomp filter refuses bpf()")));
  EXPECT_THAT(ObstaclesToBpf({.bpf_call_refused = true}),
              ElementsAre(problem("security module refuses bpf()")));
  EXPECT_THAT(ObstaclesToBpf({.btf = false}), ElementsAre(problem("/sys/kernel/btf/vmlinux")));
  EXPECT_THAT(ObstaclesToBpf({.lockdown = "integrity"}), IsEmpty());
  EXPECT_THAT(ObstaclesToBpf({.lockdown = "confidentiality"}), ElementsAre(problem("locked down")));
}

}  // namespace
}  // namespace leadline::agent
