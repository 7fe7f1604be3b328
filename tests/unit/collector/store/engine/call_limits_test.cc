// What calls that gather series may take: over the head and over windows, they end in time, and
// before they hold more than they may.
#include <algorithm>
#include <atomic>
#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "collector/store/call_meter.h"
#include "common/clock.h"
#include "tests/unit/collector/store/engine/store_fixture.h"

namespace leadline::collector::store::engine {
namespace {

constexpr size_t kManySeries = 5000;

class Bound final : public MemoryBound {
 public:
  explicit Bound(uint64_t limit = UINT64_MAX) : limit_(limit) {}
  absl::Status Take(uint64_t bytes) override {
    if (cancels_ != nullptr && held_ > kCancelAt) *cancels_ = true;
    if (bytes > limit_ - held_) return absl::ResourceExhaustedError("too much");
    held_ += bytes;
    peak_ = std::max(peak_, held_);
    return absl::OkStatus();
  }
  void GiveBack(uint64_t bytes) override { held_ -= bytes; }

  // Cancels when more is asked for than kCancelAt.
  void Cancel(std::atomic<bool>& cancelled) { cancels_ = &cancelled; }

  uint64_t held() const { return held_; }
  uint64_t peak() const { return peak_; }

 private:
  static constexpr uint64_t kCancelAt = 500'000;

  const uint64_t limit_;
  std::atomic<bool>* cancels_ = nullptr;
  uint64_t held_ = 0;
  uint64_t peak_ = 0;
};

struct Call {
  const char* name;
  bool of_all;       // without selectors
  uint64_t at_most;  // a bound that is too small
  std::function<absl::Status(const Queryable&, const SeriesFilter&)> ask;
};

const Call kCalls[] = {
    {"series", false, 1'000'000,
     [](const Queryable& store, const SeriesFilter& filter) {
       return store.Series(kTenant, filter).status();
     }},
    {"names", false, 300'000,
     [](const Queryable& store, const SeriesFilter& filter) {
       return store.LabelNames(kTenant, filter).status();
     }},
    {"values", false, 300'000,
     [](const Queryable& store, const SeriesFilter& filter) {
       return store.LabelValues(kTenant, "i", filter).status();
     }},
    {"names of all", true, 4'000,
     [](const Queryable& store, const SeriesFilter& filter) {
       return store.LabelNames(kTenant, filter).status();
     }},
    {"values of all", true, 100'000,
     [](const Queryable& store, const SeriesFilter& filter) {
       return store.LabelValues(kTenant, "i", filter).status();
     }},
};

class CallLimitsTest : public StoreFixture {
 protected:
  ~CallLimitsTest() override { store_.reset(); }

  void SetUp() override {
    StoreFixture::SetUp();
    const model::EntityVersion pod = Container("c", LabelSet({{"pod", "web"}}), kT0);
    std::vector<model::SeriesDefinition> series;
    FloatFrame frame{.ts_ms = kT0 + 10};
    for (uint32_t i = 0; i < kManySeries; ++i) {
      series.push_back({"m", pod.id, LabelSet({{"i", std::to_string(i)}})});
      frame.series.push_back(i);
      frame.values.push_back(i);
    }
    WriteBatch batch;
    batch.entities = {pod};
    batch.series = *store_->Resolve(kTenant, series);
    batch.floats.push_back(std::move(frame));
    Append(std::move(batch));
  }

  // Of all series, in the head and then in a window.
  void EachWay(const std::function<void(const Call& call, SeriesFilter filter)>& check) {
    for (const char* where : {"head", "window"}) {
      if (where == std::string("window")) {
        Flush();
        Open();
      }
      for (const Call& call : kCalls) {
        SCOPED_TRACE(std::string(call.name) + " in the " + where);
        SeriesFilter filter;
        if (!call.of_all) filter.selectors = {{Name("m")}};
        check(call, std::move(filter));
      }
    }
  }
};

TEST_F(CallLimitsTest, NoMoreMemoryIsHeldThanThereMayBe) {
  EachWay([&](const Call& call, SeriesFilter filter) {
    Bound small(call.at_most);
    filter.limits.memory = &small;
    EXPECT_EQ(call.ask(store_->queryable(), filter).code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(small.held(), 0u);

    Bound large;
    filter.limits.memory = &large;
    EXPECT_TRUE(call.ask(store_->queryable(), filter).ok());
    EXPECT_GT(large.peak(), call.at_most);
    EXPECT_EQ(large.held(), 0u);

    // One of each is enough: what is kept of the others is given back.
    Bound of_one;
    filter.limits.memory = &of_one;
    filter.limit = 1;
    EXPECT_TRUE(call.ask(store_->queryable(), filter).ok());
    EXPECT_LE(of_one.peak(), large.peak());
    EXPECT_EQ(of_one.held(), 0u);
  });
}

TEST_F(CallLimitsTest, SeveralSelectorsAreGatheredOneAfterTheOther) {
  Bound once;
  SeriesFilter filter{.selectors = {{Name("m")}}, .limit = 1};
  filter.limits.memory = &once;
  EXPECT_TRUE(store_->queryable().Series(kTenant, filter).ok());
  Bound often;
  filter.selectors.resize(5, {Name("m")});
  filter.limits.memory = &often;
  EXPECT_TRUE(store_->queryable().Series(kTenant, filter).ok());
  EXPECT_EQ(often.peak(), once.peak());
}

TEST_F(CallLimitsTest, NothingIsDoneAfterTheDeadline) {
  EachWay([&](const Call& call, SeriesFilter filter) {
    filter.limits.deadline = SteadyNow() + absl::Hours(1);
    EXPECT_TRUE(call.ask(store_->queryable(), filter).ok());
    filter.limits.deadline = SteadyNow() - absl::Nanoseconds(1);
    const absl::Status status = call.ask(store_->queryable(), filter);
    EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << status;
  });
}

TEST_F(CallLimitsTest, EndsOnceItIsCancelled) {
  EachWay([&](const Call& call, SeriesFilter filter) {
    std::atomic<bool> cancelled = false;
    filter.limits.cancelled = &cancelled;
    EXPECT_TRUE(call.ask(store_->queryable(), filter).ok());
    cancelled = true;
    EXPECT_EQ(call.ask(store_->queryable(), filter).code(), absl::StatusCode::kCancelled);
  });
}

TEST_F(CallLimitsTest, EndsWhileSeriesAreGathered) {
  for (const bool flushed : {false, true}) {
    if (flushed) Flush();
    std::atomic<bool> cancelled = false;
    Bound bound;
    bound.Cancel(cancelled);
    SeriesFilter filter{.selectors = {{Name("m")}}};
    filter.limits = {.cancelled = &cancelled, .memory = &bound};
    const absl::Status status = store_->queryable().Series(kTenant, filter).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kCancelled) << status;
    EXPECT_EQ(bound.held(), 0u);
  }
}

TEST_F(CallLimitsTest, SelectsHoldNoMoreThanTheyMay) {
  for (const bool flushed : {false, true}) {
    if (flushed) Flush();
    Bound small(500'000);
    SelectHints hints{.start_ms = kT0, .end_ms = kT0 + 20, .memory = &small};
    const std::vector<Matcher> all = {Name("m")};
    EXPECT_TRUE(absl::IsResourceExhausted(store_->queryable().Find(kTenant, all, hints).status()));
    EXPECT_EQ(small.held(), 0u);
    Bound large;
    hints.memory = &large;
    EXPECT_TRUE(store_->queryable().Find(kTenant, all, hints).ok());
    EXPECT_EQ(large.held(), 0u);
    const auto blocks = store_->queryable().Select(kTenant, all, hints);
    ASSERT_TRUE(blocks.ok());
    EXPECT_EQ(blocks->size(), kManySeries);
    EXPECT_GE(large.held(), kManySeries * (sizeof(int64_t) + sizeof(double)));
    const std::atomic<bool> cancelled = true;
    hints.cancelled = &cancelled;
    EXPECT_TRUE(absl::IsCancelled(store_->queryable().Find(kTenant, all, hints).status()));
  }
}

}  // namespace
}  // namespace leadline::collector::store::engine
