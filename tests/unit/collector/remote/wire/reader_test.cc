#include "collector/remote/wire/reader.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::collector::remote::wire {
namespace {

using ::testing::ElementsAre;
using namespace std::string_literals;

TEST(Reader, ReadsEachWireType) {
  const std::string message =
      "\x08\x96\x01"s                          // 1: 150
      "\x11\x00\x00\x00\x00\x00\x00\xf0\x3f"s  // 2: 1.0
      "\x1a\x03xyz"s                           // 3
      "\x25\x2a\x00\x00\x00"s                  // 4: 42
      "\x28\x03"s;                             // 5: zigzag -2
  Reader reader(message);
  ASSERT_TRUE(reader.Next());
  EXPECT_TRUE(reader.Is(1, WireType::kVarint));
  EXPECT_FALSE(reader.Is(1, WireType::kLength));
  EXPECT_EQ(reader.number(), 150);
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.AsDouble(), 1.0);
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.bytes(), "xyz");
  EXPECT_EQ(std::string(reader.begin(), reader.end()), "\x1a\x03xyz");
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.AsUint32(), 42);
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.AsZigZag(), -2);
  EXPECT_EQ(reader.AsZigZag32(), -2);
  EXPECT_FALSE(reader.Next());
  EXPECT_TRUE(reader.ok());
}

TEST(Reader, ReadsNegativeAndLongVarints) {
  const std::string message = "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s;
  Reader reader(message);
  ASSERT_TRUE(reader.Next());
  EXPECT_EQ(reader.AsInt64(), -1);
  EXPECT_EQ(reader.AsInt32(), -1);
}

TEST(Reader, ReadsPackedAndSingleNumbersAlike) {
  const std::string message = "\x08\x01\x0a\x03\x02\x80\x01\x08\x03"s;
  Reader reader(message);
  std::vector<uint64_t> numbers;
  while (reader.Next()) {
    EXPECT_TRUE(ForEachNumber(reader, WireType::kVarint,
                              [&](const Reader& number) { numbers.push_back(number.number()); }));
  }
  EXPECT_TRUE(reader.ok());
  EXPECT_THAT(numbers, ElementsAre(1, 2, 128, 3));
}

class Malformed : public testing::TestWithParam<std::string> {};

TEST_P(Malformed, EndsTheReading) {
  Reader reader(GetParam());
  while (reader.Next()) {
  }
  EXPECT_FALSE(reader.ok());
  EXPECT_FALSE(reader.Next());
}

INSTANTIATE_TEST_SUITE_P(Inputs, Malformed,
                         testing::Values("\x08"s,      // no number
                                         "\x08\x80"s,  // half of one
                                         "\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"s,
                                         "\x0a\x02x"s,  // too short
                                         "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x"s,
                                         "\x09\x01\x02"s,                    // of eight bytes
                                         "\x0d\x01\x02"s,                    // of four
                                         "\x00\x01"s,                        // field 0
                                         "\x0b\x0c"s,                        // a group
                                         "\x0e"s, "\x0f"s,                   // no wire types
                                         "\x88\x80\x80\x80\x80\x00\x01"s));  // a long tag

TEST(Reader, SaysWhereAPackedFieldIsCutOff) {
  const std::string message = "\x0a\x02\x01\x80"s;
  Reader reader(message);
  ASSERT_TRUE(reader.Next());
  EXPECT_FALSE(ForEachNumber(reader, WireType::kVarint, [](const Reader&) {}));
}

}  // namespace
}  // namespace leadline::collector::remote::wire
