#include "common/catch_status.h"

#include <cerrno>
#include <memory>
#include <system_error>

#include <gtest/gtest.h>

namespace leadline {
namespace {

TEST(CatchStatus, GivesWhatIsMade) {
  const auto made = CatchStatus("x", [] { return std::make_unique<int>(7); });
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(**made, 7);
}

TEST(CatchStatus, PassesAStatusOn) {
  const absl::Status status = CatchStatus("x", [] { return absl::NotFoundError("y"); });
  EXPECT_EQ(status, absl::NotFoundError("y"));
  const absl::StatusOr<int> value = CatchStatus("x", []() -> absl::StatusOr<int> { return 7; });
  EXPECT_EQ(*value, 7);
}

TEST(CatchStatus, SaysWhatWasThrown) {
  const absl::StatusOr<int> made = CatchStatus(
      "start a thread", []() -> int { throw std::system_error(EAGAIN, std::generic_category()); });
  EXPECT_EQ(made.status(),
            absl::ResourceExhaustedError("start a thread: Resource temporarily unavailable"));
}

}  // namespace
}  // namespace leadline
