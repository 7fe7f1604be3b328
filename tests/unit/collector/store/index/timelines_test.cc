#include "collector/store/index/timelines.h"

#include <memory>

#include <gtest/gtest.h>

namespace leadline::collector::store::index {
namespace {

TimelinePtr Made(const std::string& pod, int64_t start_ms = 5) {
  model::EntityTimeline timeline;
  timeline.Add({.id = HashId({pod}), .labels = LabelSet({{"pod", pod}}), .start_ms = start_ms});
  return std::make_shared<const model::EntityTimeline>(std::move(timeline));
}

TEST(TimelinesTest, EqualOnesAreOneObject) {
  const TimelinePtr a = Intern(Made("a"));
  EXPECT_EQ(Intern(Made("a")), a);
  EXPECT_EQ(Intern(a), a);
  EXPECT_EQ(Intern(model::EntityTimeline(*a)), a);
  EXPECT_EQ(*a, *Made("a"));
  EXPECT_NE(Intern(Made("b")), a);
  EXPECT_NE(Intern(Made("a", /*start_ms=*/6)), a);
}

TEST(TimelinesTest, GoWithTheLastThatRefersToThem) {
  const std::weak_ptr<const model::EntityTimeline> gone = Intern(Made("gone"));
  EXPECT_TRUE(gone.expired());
  const TimelinePtr again = Intern(Made("gone"));
  EXPECT_EQ(*again, *Made("gone"));
  for (int i = 0; i < 5000; ++i) Intern(Made(std::to_string(i)));
  EXPECT_EQ(Intern(Made("gone")), again);
}

TEST(TimelinesTest, TakeMoreMemoryTheMoreTheySay) {
  EXPECT_GT(BytesOf(*Made("a")), sizeof(model::EntityTimeline) + sizeof(model::EntityVersion));
  const std::string name(100, 'a');
  EXPECT_GE(BytesOf(*Made(name)), BytesOf(*Made("a")) + name.size());
  model::EntityTimeline more = *Made("a");
  more.Add({.id = HashId({"a"}), .valid_from_ms = 10, .revision = 1});
  EXPECT_GE(BytesOf(more), BytesOf(*Made("a")) + sizeof(model::EntityVersion));
}

TEST(TimelinesTest, TellTheHashesOfTheirLabelsUntilTheyChange) {
  const TimelinePtr a = Intern(Made("a"));
  ASSERT_EQ(a->label_hashes().size(), 1u);
  EXPECT_EQ(a->label_hashes()[0], HashLabels(LabelSet({{"pod", "a"}})));
  model::EntityTimeline changed = *a;
  changed.Add({.id = HashId({"a"}),
               .labels = LabelSet({{"pod", "new"}}),
               .valid_from_ms = 10,
               .revision = 1});
  EXPECT_TRUE(changed.label_hashes().empty());
}

}  // namespace
}  // namespace leadline::collector::store::index
