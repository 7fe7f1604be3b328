#include "agent/record/archive.h"

#include <array>
#include <limits>
#include <string>

#include <gtest/gtest.h>

namespace leadline::agent::record {
namespace {

enum class Color : uint8_t { kRed = 1, kBlue = 2 };

struct Inner {
  int32_t index = 0;
  bool operator==(const Inner&) const = default;
};
template <typename Archive>
void Fields(Archive& archive, Inner& inner) {
  archive("index", inner.index);
}

struct Every {
  bool yes = false;
  uint8_t small = 0;
  int64_t negative = 0;
  double real = 0;
  Color color = Color::kRed;
  std::string text;
  std::string_view view;
  std::vector<Inner> inners;
  std::array<uint8_t, 3> array{};
  absl::Span<const Inner> span;
  std::optional<std::string> maybe, not_this;
  std::shared_ptr<const Inner> shared;
  std::variant<Inner, Color> either;
  absl::Status status;
  absl::StatusOr<int> error = 0, value = 0;
};
template <typename Archive>
void Fields(Archive& archive, Every& all) {
  archive("yes", all.yes, "small", all.small, "negative", all.negative, "real", all.real, "color",
          all.color, "text", all.text, "view", all.view, "inners", all.inners, "array", all.array,
          "span", all.span, "maybe", all.maybe, "not_this", all.not_this, "shared", all.shared,
          "either", all.either, "status", all.status, "error", all.error, "value", all.value);
}

// As Every was before most of its fields were added, and as it may be one day.
struct Old {
  bool yes = false;
  uint8_t small = 7;
};
template <typename Archive>
void Fields(Archive& archive, Old& old) {
  archive("yes", old.yes, "small", old.small);
}

std::string Bytes(const auto& value) {
  std::string bytes;
  ArchiveWriter(bytes).Put(value);
  return bytes;
}

const Inner kSpan[] = {{1}, {-2}};

Every Example() {
  Every all;
  all.yes = true;
  all.small = 255;
  all.negative = std::numeric_limits<int64_t>::min();
  all.real = -0.5;
  all.color = Color::kBlue;
  all.text = std::string("a\0b", 3);
  all.view = "view";
  all.inners = {{3}, {4}};
  all.span = kSpan;
  all.array = {7, 8, 9};
  all.maybe = "here";
  all.shared = std::make_shared<const Inner>(Inner{5});
  all.either = Color::kBlue;
  all.status = absl::NotFoundError("gone");
  all.error = absl::DataLossError("lost");
  all.value = 42;
  return all;
}

TEST(Archive, GivesBackEveryType) {
  const Every in = Example();
  const std::string bytes = Bytes(in);
  ArchiveReader reader(bytes);
  Every out;
  reader.Get(out);
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(out.yes, in.yes);
  EXPECT_EQ(out.small, in.small);
  EXPECT_EQ(out.negative, in.negative);
  EXPECT_EQ(out.real, in.real);
  EXPECT_EQ(out.color, in.color);
  EXPECT_EQ(out.text, in.text);
  EXPECT_EQ(out.view, in.view);
  EXPECT_EQ(out.inners, in.inners);
  EXPECT_EQ(out.array, in.array);
  EXPECT_EQ(std::vector(out.span.begin(), out.span.end()),
            std::vector(in.span.begin(), in.span.end()));
  EXPECT_EQ(out.maybe, in.maybe);
  EXPECT_EQ(out.not_this, std::nullopt);
  EXPECT_EQ(*out.shared, *in.shared);
  EXPECT_EQ(out.either, in.either);
  EXPECT_EQ(out.status, in.status);
  EXPECT_EQ(out.error.status(), in.error.status());
  EXPECT_EQ(out.value.value(), 42);
}

TEST(Archive, NewFieldsAreLeftOutAndOldOnesDefaulted) {
  const std::string whole = Bytes(Example());
  ArchiveReader newer(whole);
  Old old;
  newer.Get(old);
  EXPECT_TRUE(newer.ok());
  EXPECT_EQ(old.small, 255);

  const std::string few = Bytes(Old{.yes = true, .small = 9});
  ArchiveReader older(few);
  Every all;
  all.negative = -1;
  older.Get(all);
  EXPECT_TRUE(older.ok());
  EXPECT_EQ(all.small, 9);
  EXPECT_EQ(all.negative, -1);
}

TEST(Archive, EveryCutIsNoticed) {
  const std::string bytes = Bytes(Example());
  for (size_t length = 0; length < bytes.size(); ++length) {
    ArchiveReader reader(std::string_view(bytes).substr(0, length));
    Every all;
    reader.Get(all);
    EXPECT_FALSE(reader.ok()) << length;
  }
}

TEST(Archive, NumbersThatDoNotFitAreMalformed) {
  const std::string bytes = Bytes(uint64_t{256});
  ArchiveReader reader(bytes);
  uint8_t small = 0;
  reader.Get(small);
  EXPECT_FALSE(reader.ok());
}

TEST(Archive, ACountThatTheInputCannotHoldIsMalformed) {
  const std::string bytes = Bytes(uint64_t{1} << 60);
  ArchiveReader reader(bytes);
  std::vector<Inner> inners;
  reader.Get(inners);
  EXPECT_FALSE(reader.ok());
}

}  // namespace
}  // namespace leadline::agent::record
