#include "agent/protocols/base/text_table.h"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace leadline::agent::protocols::base {
namespace {

TEST(TextTableTest, KeepsATextOnce) {
  TextTable table(4);
  const TextRef a = table.Intern(1, {.text = "SELECT ?", .operation = "SELECT", .summary = "s"});
  const TextRef b = table.Intern(1, {.text = "SELECT ?", .operation = "SELECT", .summary = "s"});
  const TextRef other_kind = table.Intern(2, {.text = "SELECT ?"});
  EXPECT_EQ(table.size(), 2u);
  EXPECT_EQ(a.text(), "SELECT ?");
  EXPECT_EQ(a.operation(), "SELECT");
  EXPECT_EQ(a.summary(), "s");
  EXPECT_EQ(a.text().data(), b.text().data());
  EXPECT_EQ(a.fingerprint(), b.fingerprint());
  EXPECT_EQ(other_kind.operation(), "");
  EXPECT_EQ(TextRef().text(), "");
}

TEST(TextTableTest, ForgetsWhatIsUnusedForLongest) {
  TextTable table(2);
  TextRef a = table.Intern(1, {.text = "a"});
  TextRef b = table.Intern(1, {.text = "b"});
  EXPECT_FALSE(table.Intern(1, {.text = "c"}));  // both are in use
  const char* place_of_a = a.text().data();
  a.Reset();
  b.Reset();
  a = table.Intern(1, {.text = "a"});  // was still there
  EXPECT_EQ(a.text().data(), place_of_a);
  const TextRef c = table.Intern(1, {.text = "c"});  // in the place of b
  EXPECT_TRUE(c);
  EXPECT_FALSE(table.Intern(1, {.text = "b"}));
  EXPECT_EQ(a.text(), "a");
}

TEST(TextTableTest, FindsAllAfterManyHaveGone) {
  TextTable table(64);
  std::vector<TextRef> kept;
  for (int i = 0; i < 32; ++i) kept.push_back(table.Intern(1, {.text = std::to_string(i)}));
  for (int i = 0; i < 10000; ++i) {
    ASSERT_TRUE(table.Intern(1, {.text = "passing " + std::to_string(i)}));
  }
  for (int i = 0; i < 32; ++i) {
    const TextRef again = table.Intern(1, {.text = std::to_string(i)});
    EXPECT_EQ(again.text().data(), kept[static_cast<size_t>(i)].text().data());
  }
  EXPECT_EQ(table.size(), 64u);
}

TEST(TextTableTest, CopiesHoldTheText) {
  TextTable table(1);
  TextRef a = table.Intern(1, {.text = "a"});
  TextRef copy = a.Copy();
  a = std::move(copy);
  EXPECT_FALSE(table.Intern(1, {.text = "b"}));
  a.Reset();
  EXPECT_TRUE(table.Intern(1, {.text = "b"}));
}

}  // namespace
}  // namespace leadline::agent::protocols::base
