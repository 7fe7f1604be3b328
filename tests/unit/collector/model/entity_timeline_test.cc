#include "collector/model/entity_timeline.h"

#include <algorithm>
#include <random>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leadline::collector::model {
namespace {

EntityVersion Version(int64_t valid_from_ms, uint64_t revision, std::string pod) {
  EntityVersion version;
  version.labels = LabelSet({{"pod", std::move(pod)}});
  version.valid_from_ms = valid_from_ms;
  version.revision = revision;
  return version;
}

std::string PodAt(const EntityTimeline& timeline, int64_t t_ms) {
  return std::string(timeline.At(t_ms).labels.Get("pod"));
}

TEST(EntityTimeline, TheFirstVersionCountsBeforeItsBegin) {
  EntityTimeline timeline;
  timeline.Add(Version(100, 1, "a"));
  EXPECT_EQ(PodAt(timeline, 0), "a");
}

TEST(EntityTimeline, ChangedLabelsLeaveThePastAsItWas) {
  EntityTimeline timeline;
  timeline.Add(Version(100, 1, "a"));
  timeline.Add(Version(200, 2, "b"));
  EXPECT_EQ(PodAt(timeline, 199), "a");
  EXPECT_EQ(PodAt(timeline, 200), "b");
}

TEST(EntityTimeline, LateLabelsCountFromTheStart) {
  EntityTimeline timeline;
  timeline.Add(Version(100, 1, ""));
  timeline.Add(Version(100, 2, "late"));
  EXPECT_EQ(timeline.versions().size(), 1u);
  EXPECT_EQ(PodAt(timeline, 100), "late");
}

// An agent that was started again knows the labels of now only, and sends them from the start on.
TEST(EntityTimeline, ARestatedVersionKeepsTheEarlierOnes) {
  EntityTimeline timeline;
  timeline.Append(Version(100, 1, "a"));
  timeline.Append(Version(200, 2, "b"));
  EntityVersion restated = Version(100, 3, "b");
  restated.end_ms = 900;
  EXPECT_TRUE(timeline.Append(restated));
  EXPECT_EQ(PodAt(timeline, 150), "a");
  EXPECT_EQ(PodAt(timeline, 250), "b");
  EXPECT_EQ(timeline.end_ms(), 900);
  EXPECT_EQ(timeline.versions().size(), 2u);
}

TEST(EntityTimeline, LateLabelsAreNoRestatement) {
  EntityTimeline timeline;
  timeline.Append(Version(100, 1, "a"));
  timeline.Append(Version(200, 2, "b"));
  timeline.Append(Version(100, 3, "late"));
  EXPECT_EQ(PodAt(timeline, 250), "late");
  EXPECT_EQ(timeline.versions().size(), 1u);
}

TEST(EntityTimeline, AVersionReplacesOlderOnesThatBeginAfterIt) {
  EntityTimeline timeline;
  timeline.Add(Version(100, 1, "a"));
  timeline.Add(Version(200, 2, "b"));
  timeline.Add(Version(150, 3, "c"));
  EXPECT_EQ(PodAt(timeline, 120), "a");
  EXPECT_EQ(PodAt(timeline, 250), "c");
  EXPECT_EQ(timeline.versions().size(), 2u);
}

TEST(EntityTimeline, AnOlderVersionThatComesLateChangesNothingItDoesNotPrecede) {
  EntityTimeline timeline;
  timeline.Add(Version(100, 5, "new"));
  EXPECT_FALSE(timeline.Add(Version(150, 4, "old")));
  EXPECT_TRUE(timeline.Add(Version(50, 4, "before")));
  EXPECT_EQ(PodAt(timeline, 60), "before");
  EXPECT_EQ(PodAt(timeline, 160), "new");
}

TEST(EntityTimeline, TheSameVersionAgainChangesNothing) {
  EntityTimeline timeline;
  EXPECT_TRUE(timeline.Add(Version(100, 1, "a")));
  EXPECT_FALSE(timeline.Add(Version(100, 1, "a")));
  EXPECT_TRUE(timeline.Add(Version(100, 1, "b")));
  EXPECT_EQ(PodAt(timeline, 100), "b");
}

TEST(EntityTimeline, ItsLifeIsThatOfTheNewestRevision) {
  EntityTimeline timeline;
  EntityVersion open = Version(100, 1, "a");
  open.start_ms = 90;
  timeline.Add(open);
  EXPECT_TRUE(timeline.LivedAt(1'000'000));
  EntityVersion ended = open;
  ended.revision = 2;
  ended.end_ms = 500;
  timeline.Add(ended);
  EXPECT_TRUE(timeline.LivedAt(500));
  EXPECT_FALSE(timeline.LivedAt(501));
  EXPECT_FALSE(timeline.LivedAt(89));
}

// The rule as entity.h says it, over the whole set of versions.
std::string PodInForce(const std::vector<EntityVersion>& versions, int64_t t_ms) {
  const auto replaced = [&](const EntityVersion& one) {
    return std::any_of(versions.begin(), versions.end(), [&](const EntityVersion& other) {
      return other.valid_from_ms <= one.valid_from_ms && other.revision > one.revision;
    });
  };
  const EntityVersion* in_force = nullptr;
  const EntityVersion* first = nullptr;
  for (const EntityVersion& version : versions) {
    if (replaced(version)) continue;
    if (first == nullptr || version.valid_from_ms < first->valid_from_ms) first = &version;
    if (version.valid_from_ms > t_ms) continue;
    if (in_force == nullptr || version.valid_from_ms > in_force->valid_from_ms) in_force = &version;
  }
  if (in_force == nullptr) in_force = first;
  return in_force == nullptr ? "" : std::string(in_force->labels.Get("pod"));
}

TEST(EntityTimeline, FollowsTheRuleInAnyOrderOfArrival) {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    std::vector<EntityVersion> versions;
    for (uint64_t revision = 1; revision <= 1 + random() % 6; ++revision) {
      versions.push_back(Version(static_cast<int64_t>(random() % 8) * 10, revision,
                                 "v" + std::to_string(revision)));
    }
    std::shuffle(versions.begin(), versions.end(), random);
    EntityTimeline timeline;
    for (const EntityVersion& version : versions) timeline.Add(version);
    for (int64_t t_ms = -5; t_ms < 90; t_ms += 5) {
      ASSERT_EQ(PodAt(timeline, t_ms), PodInForce(versions, t_ms)) << "round " << round;
    }
  }
}

}  // namespace
}  // namespace leadline::collector::model
