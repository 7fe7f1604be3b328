// What a query may hold at a time, in samples and in bytes, alone and with all others.
//
// A sample counts as kSampleBytes, whatever holds it: a time and a value. Values at steps that hold
// nothing count too: they take the same memory. Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#include "absl/status/status.h"

#include "collector/store/call_limits.h"

namespace leadline::collector::promql::exec {

inline constexpr uint64_t kSampleBytes = 16;

// The bytes that all queries may hold together.
class SharedMemory {
 public:
  explicit SharedMemory(uint64_t limit) : limit_(limit) {}

  bool Take(uint64_t bytes);
  void GiveBack(uint64_t bytes) { held_.fetch_sub(bytes, std::memory_order_relaxed); }
  uint64_t limit() const { return limit_; }
  uint64_t held() const { return held_.load(std::memory_order_relaxed); }

 private:
  const uint64_t limit_;
  std::atomic<uint64_t> held_ = 0;
};

class Budget final : public store::MemoryBound {
 public:
  struct Limits {
    uint64_t samples = UINT64_MAX;
    uint64_t bytes = UINT64_MAX;
  };

  // `shared` outlives it; what is still held when it goes is given back.
  Budget(const Limits& limits, SharedMemory& shared) : limits_(limits), shared_(shared) {}
  ~Budget() override { shared_.GiveBack(bytes_.load(std::memory_order_relaxed)); }
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  // RESOURCE_EXHAUSTED when more would be held than allowed, with what was asked and the limit.
  absl::Status Charge(uint64_t samples);
  void Release(uint64_t samples);
  absl::Status ChargeBytes(uint64_t bytes);
  void ReleaseBytes(uint64_t bytes);
  // The same, for the store.
  absl::Status Take(uint64_t bytes) override { return ChargeBytes(bytes); }
  void GiveBack(uint64_t bytes) override { ReleaseBytes(bytes); }

  uint64_t remaining_samples() const {
    return limits_.samples - samples_.load(std::memory_order_relaxed);
  }
  uint64_t peak_samples() const { return peak_samples_.load(std::memory_order_relaxed); }
  uint64_t peak_bytes() const { return peak_bytes_.load(std::memory_order_relaxed); }

 private:
  const Limits limits_;
  SharedMemory& shared_;
  std::atomic<uint64_t> samples_ = 0;
  std::atomic<uint64_t> bytes_ = 0;
  std::atomic<uint64_t> peak_samples_ = 0;
  std::atomic<uint64_t> peak_bytes_ = 0;
};

// A part of the budget, given back at the end of the scope.
class BudgetShare {
 public:
  BudgetShare(Budget& budget, uint64_t samples)
      : budget_(budget), samples_(samples), status_(budget.Charge(samples)) {}
  ~BudgetShare() {
    if (status_.ok()) budget_.Release(samples_);
  }
  BudgetShare(const BudgetShare&) = delete;
  BudgetShare& operator=(const BudgetShare&) = delete;

  const absl::Status& status() const { return status_; }

 private:
  Budget& budget_;
  const uint64_t samples_;
  const absl::Status status_;
};

// What an operator holds of the budget, from small to more and less again; given back at its end.
class Holding {
 public:
  explicit Holding(Budget& budget) : budget_(budget) {}
  ~Holding() { GiveBackAll(); }
  Holding(const Holding&) = delete;
  Holding& operator=(const Holding&) = delete;

  // Before it is allocated. `bytes` are those beside the samples.
  absl::Status Add(uint64_t samples, uint64_t bytes = 0);
  // As Add, for little at a time: nothing is charged before there are kLagBytes of it.
  absl::Status AddLittle(uint64_t bytes) {
    lag_ += bytes;
    return lag_ < kLagBytes ? absl::OkStatus() : Add(0, std::exchange(lag_, 0));
  }
  // No more than it holds.
  void GiveBack(uint64_t samples, uint64_t bytes = 0);
  void GiveBackAll() { GiveBack(samples_, bytes_); }

 private:
  static constexpr uint64_t kLagBytes = 64 << 10;

  Budget& budget_;
  uint64_t samples_ = 0;
  uint64_t bytes_ = 0;
  uint64_t lag_ = 0;  // not charged yet
};

// As BudgetShare, of bytes.
class BytesShare {
 public:
  BytesShare(Budget& budget, uint64_t bytes)
      : budget_(budget), bytes_(bytes), status_(budget.ChargeBytes(bytes)) {}
  ~BytesShare() {
    if (status_.ok()) budget_.ReleaseBytes(bytes_);
  }
  BytesShare(const BytesShare&) = delete;
  BytesShare& operator=(const BytesShare&) = delete;

  const absl::Status& status() const { return status_; }

 private:
  Budget& budget_;
  const uint64_t bytes_;
  const absl::Status status_;
};

}  // namespace leadline::collector::promql::exec
