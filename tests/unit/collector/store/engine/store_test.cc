#include <cstdlib>
#include <filesystem>
#include <future>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "collector/store/engine/open.h"

namespace leadline::collector::store::engine {
namespace {

TEST(Smoke, WritesAndReads) {
  const std::string dir = std::filesystem::temp_directory_path() / ("ll" + std::to_string(getpid()));
  ManualClock clock(1'700'000'000'000);
  const Id128 id = HashId({"container", "c1"});
  for (int round = 0; round < 3; ++round) {
    auto store = OpenStore({.dir = dir, .clock = &clock});
    ASSERT_TRUE(store.ok()) << store.status();
    auto handles = (*store)->Resolve("default", {{"up", id, LabelSet({{"x", "1"}})}});
    ASSERT_TRUE(handles.ok());
    WriteBatch batch;
    batch.writer = {HashId({"agent"}), 1};
    batch.sequence = static_cast<uint64_t>(round) + 1;
    batch.entities.push_back({id, model::EntityKind::kContainer, LabelSet({{"pod", "p"}}),
                              LabelSet({{"label_app", "web"}}), 1'700'000'000'000,
                              model::kOpenEnd, 1'700'000'000'000, 1});
    batch.series = *handles;
    batch.floats.push_back({1'700'000'000'000 + round, {0}, {1.0 + round}});
    std::promise<absl::Status> done;
    (*store)->Append("default", batch, [&](absl::Status s) { done.set_value(s); });
    ASSERT_TRUE(done.get_future().get().ok());
    if (round == 1) {
      ASSERT_TRUE((*store)->Flush().ok());
    }
    auto blocks = (*store)->Select("default", {{Matcher::Op::kEqual, "__name__", "up"}},
                                   {.start_ms = 0, .end_ms = 1'800'000'000'000});
    ASSERT_TRUE(blocks.ok()) << blocks.status();
    ASSERT_EQ(blocks->size(), 1u);
    EXPECT_EQ((*blocks)[0].ts_ms.size(), static_cast<size_t>(round) + 1);
    EXPECT_EQ((*blocks)[0].labels->ToString(), R"({__name__="up", pod="p", x="1"})");
    EXPECT_EQ((*store)->LastSequence("default", batch.writer), batch.sequence);
  }
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace leadline::collector::store::engine
