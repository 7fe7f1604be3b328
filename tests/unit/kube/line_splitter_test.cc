#include "kube/line_splitter.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::kube {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class LineSplitterTest : public testing::Test {
 protected:
  absl::Status Append(std::string_view chunk) {
    return splitter_.Append(chunk, [this](std::string_view line) {
      lines_.emplace_back(line);
      return line == "stop" ? absl::AbortedError("stop") : absl::OkStatus();
    });
  }

  LineSplitter splitter_{5};
  std::vector<std::string> lines_;
};

TEST_F(LineSplitterTest, JoinsChunksAndLeavesOutEmptyLines) {
  for (const char* chunk : {"ab", "c\n\nde\nf", "", "g", "\n", "\n", "h"}) {
    EXPECT_TRUE(Append(chunk).ok());
  }
  EXPECT_THAT(lines_, ElementsAre("abc", "de", "fg"));
  EXPECT_EQ(splitter_.unfinished_bytes(), 1u);
}

TEST_F(LineSplitterTest, TakesALineOfExactlyTheLimit) {
  EXPECT_TRUE(Append("12345").ok());
  EXPECT_TRUE(Append("\n12345\n").ok());
  EXPECT_THAT(lines_, ElementsAre("12345", "12345"));
}

TEST_F(LineSplitterTest, RefusesALongerLine) {
  EXPECT_EQ(Append("123456\n").code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(lines_, IsEmpty());
}

TEST_F(LineSplitterTest, RefusesALongerLineBeforeItEnds) {
  EXPECT_TRUE(Append("123").ok());
  EXPECT_EQ(Append("456").code(), absl::StatusCode::kResourceExhausted);
}

TEST_F(LineSplitterTest, RefusesALongerLineMadeOfTwoChunks) {
  EXPECT_TRUE(Append("123").ok());
  EXPECT_EQ(Append("456\n").code(), absl::StatusCode::kResourceExhausted);
  EXPECT_THAT(lines_, IsEmpty());
}

TEST_F(LineSplitterTest, TheSinksErrorEndsTheChunk) {
  EXPECT_EQ(Append("a\nstop\nb\n").code(), absl::StatusCode::kAborted);
  EXPECT_THAT(lines_, ElementsAre("a", "stop"));
}

}  // namespace
}  // namespace leadline::kube
