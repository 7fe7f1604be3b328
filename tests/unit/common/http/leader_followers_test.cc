#include "common/http/leader_followers.h"

#include <latch>
#include <memory>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/mutex.h"

namespace leadline::http {
namespace {

namespace asio = boost::asio;

class LeaderFollowersTest : public testing::Test {
 protected:
  LeaderFollowersTest() { threads_.Start(); }
  ~LeaderFollowersTest() override { End(); }

  // Has the io_context's thread post it.
  void Post(Load load, LeaderFollowers::Task task) {
    asio::post(io_, [this, load, task = std::move(task)]() mutable {
      threads_.Post(load, [task = std::move(task), work = asio::make_work_guard(io_)] { task(); });
    });
  }
  void Run(Load load) {
    std::latch ran(1);
    Post(load, [&] { ran.count_down(); });
    ran.wait();
  }
  void End() {
    work_.reset();
    threads_.Join();
  }

  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  LeaderFollowers threads_{io_, {1, 3, 2}};
};

TEST_F(LeaderFollowersTest, TheSameThreadsRunWhatComesOneAfterTheOther) {
  Mutex mutex;
  std::set<std::thread::id> ids;
  for (int i = 0; i < 100; ++i) {
    std::latch ran(1);
    Post(Load::kHeavy, [&] {
      {
        MutexLock lock(mutex);
        ids.insert(std::this_thread::get_id());
      }
      ran.count_down();
    });
    ran.wait();
  }
  End();
  EXPECT_LT(ids.size(), 6u);  // of seven; some may not have come to their end yet
}

TEST_F(LeaderFollowersTest, AsManyRunAsMayAndTheOthersWaitTheirTurn) {
  std::latch entered(3);
  std::latch leave(1);
  Mutex mutex;
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) {
    Post(Load::kHeavy, [&] {
      entered.count_down();
      leave.wait();
    });
  }
  entered.wait();
  for (int i = 0; i < 5; ++i) {
    Post(Load::kHeavy, [&, i] {
      MutexLock lock(mutex);
      order.push_back(i);
    });
  }
  // What is of other kinds does not wait for them.
  for (int i = 0; i < 10; ++i) {
    Run(Load::kLight);
    Run(Load::kIntake);
  }
  {
    MutexLock lock(mutex);
    EXPECT_THAT(order, testing::IsEmpty());
  }
  leave.count_down();
  End();
  EXPECT_THAT(order, testing::UnorderedElementsAre(0, 1, 2, 3, 4));
}

TEST_F(LeaderFollowersTest, TasksThatWaitOfOneKindRunInTheirOrder) {
  std::vector<int> order;  // of a kind of which one runs at a time
  for (int i = 0; i < 50; ++i) {
    Post(Load::kLight, [&order, i] { order.push_back(i); });
  }
  End();
  ASSERT_EQ(order.size(), 50u);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(order[static_cast<size_t>(i)], i);
}

TEST_F(LeaderFollowersTest, TheEndWaitsForTasks) {
  bool ran = false;
  std::latch entered(1);
  Post(Load::kIntake, [&] {
    entered.count_down();
    std::this_thread::yield();
    ran = true;
  });
  entered.wait();
  End();
  EXPECT_TRUE(ran);
}

TEST(LeaderFollowers, EndsWithoutEverHavingRun) {
  asio::io_context io;
  const LeaderFollowers threads(io, {1, 1, 1});
}

}  // namespace
}  // namespace leadline::http
