#include "agent/probes/syscall_table.h"

#include <limits>
#include <string>

#include <gtest/gtest.h>

namespace leadline::agent::probes {
namespace {

constexpr uint64_t kMebibyte = uint64_t{1} << 20;

struct FitCase {
  const char* what;
  uint64_t budget_bytes;
  uint32_t wanted_rows;
  uint32_t cpus;
  uint32_t pid_max;
  uint32_t rows;
  int schema;
  uint32_t slots;
};

class FitSyscallTableTest : public testing::TestWithParam<FitCase> {};

TEST_P(FitSyscallTableTest, FitsTheBudget) {
  const FitCase& c = GetParam();
  const auto size = FitSyscallTable(c.budget_bytes, c.wanted_rows, c.cpus, c.pid_max);
  ASSERT_TRUE(size.ok()) << std::string(size.status().message());
  EXPECT_EQ(size->rows, c.rows);
  EXPECT_EQ(size->schema, c.schema);
  EXPECT_EQ(size->slots, c.slots);
  EXPECT_LE(size->table_bytes(), c.budget_bytes);
  EXPECT_EQ(size->row_bytes % 64, 0u);
}

INSTANTIATE_TEST_SUITE_P(
    Budgets, FitSyscallTableTest,
    testing::Values(FitCase{"TwoCpus", 48 * kMebibyte, 32768, 2, 32768, 32768, 2, 32768},
                    FitCase{"CoarserBuckets", 20 * kMebibyte, 32768, 2, 32768, 32768, 1, 32768},
                    FitCase{"CoarsestBuckets", 12 * kMebibyte, 32768, 12, 32768, 32768, 0, 32768},
                    FitCase{"FewerRows", 4 * kMebibyte, 32768, 2, 4194304, 8192, 0, 65536},
                    FitCase{"ManyCpus", 48 * kMebibyte, 131072, 64, 4194304, 131072, 0, 65536},
                    FitCase{"RowsRoundedUp", 32 * kMebibyte, 1000, 2, 32768, 1024, 2, 32768},
                    FitCase{"NoRowsWanted", 32 * kMebibyte, 0, 2, 1, 1, 2, 1024},
                    FitCase{"MostRows", ~uint64_t{0}, ~0U, 1, 32768, 1U << 20, 2, 32768}),
    [](const auto& test) { return std::string(test.param.what); });

TEST(FitSyscallTable, SaysWhenTheBudgetIsTooSmall) {
  const auto size = FitSyscallTable(900, 8192, 2, 32768);
  EXPECT_EQ(size.status().code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace leadline::agent::probes
