#include "common/bounded_queue.h"

#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace leadline {
namespace {

TEST(BoundedQueue, RefusesWhenFullAndLeavesTheItem) {
  BoundedQueue<std::string> queue(1);
  EXPECT_TRUE(queue.TryPush("a"));
  std::string second = "b";
  EXPECT_FALSE(queue.TryPush(std::move(second)));
  EXPECT_EQ(second, "b");  // NOLINT(bugprone-use-after-move)
}

TEST(BoundedQueue, GivesWhatIsLeftAfterClose) {
  BoundedQueue<int> queue(2);
  EXPECT_TRUE(queue.TryPush(1));
  queue.Close();
  EXPECT_FALSE(queue.Push(2));
  EXPECT_EQ(queue.Pop(), 1);
  EXPECT_EQ(queue.Pop(), std::nullopt);
}

TEST(BoundedQueue, PopGivesUpAfterItsTimeout) {
  BoundedQueue<int> queue(1);
  EXPECT_EQ(queue.Pop(absl::Milliseconds(1)), std::nullopt);
}

TEST(BoundedQueue, EveryItemArrivesOnceAndInTheOrderOfItsProducer) {
  constexpr int kItems = 1000;
  BoundedQueue<int> queue(3);
  std::thread producer([&queue] {
    for (int i = 0; i < kItems; ++i) ASSERT_TRUE(queue.Push(int{i}));
    queue.Close();
  });
  std::vector<int> taken;
  while (auto item = queue.Pop()) taken.push_back(*item);
  producer.join();
  ASSERT_EQ(taken.size(), kItems);
  for (int i = 0; i < kItems; ++i) EXPECT_EQ(taken[i], i);
}

}  // namespace
}  // namespace leadline
