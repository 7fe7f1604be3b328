#include "collector/promql/exec/budget.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/status_macros.h"

namespace leadline::collector::promql::exec {
namespace {

// Adds `amount` unless that would be more than `limit`.
bool AddWithin(uint64_t limit, uint64_t amount, std::atomic<uint64_t>& held) {
  uint64_t before = held.load(std::memory_order_relaxed);
  do {
    if (amount > limit || before > limit - amount) return false;
  } while (!held.compare_exchange_weak(before, before + amount, std::memory_order_relaxed));
  return true;
}

void RaiseTo(uint64_t now, std::atomic<uint64_t>& peak) {
  uint64_t before = peak.load(std::memory_order_relaxed);
  while (now > before && !peak.compare_exchange_weak(before, now, std::memory_order_relaxed)) {
  }
}

}  // namespace

bool SharedMemory::Take(uint64_t bytes) { return AddWithin(limit_, bytes, held_); }

absl::Status Budget::Charge(uint64_t samples) {
  if (!AddWithin(limits_.samples, samples, samples_)) {
    return absl::ResourceExhaustedError(fmt::format(
        "query processing would load too many samples into memory in query execution: {} more "
        "than the {} that are held, of {} allowed (query-max-samples)",
        samples, samples_.load(std::memory_order_relaxed), limits_.samples));
  }
  absl::Status charged = ChargeBytes(samples * kSampleBytes);
  if (!charged.ok()) {
    samples_.fetch_sub(samples, std::memory_order_relaxed);
    return charged;
  }
  RaiseTo(samples_.load(std::memory_order_relaxed), peak_samples_);
  return absl::OkStatus();
}

void Budget::Release(uint64_t samples) {
  samples_.fetch_sub(samples, std::memory_order_relaxed);
  ReleaseBytes(samples * kSampleBytes);
}

absl::Status Budget::ChargeBytes(uint64_t bytes) {
  if (!AddWithin(limits_.bytes, bytes, bytes_)) {
    return absl::ResourceExhaustedError(
        fmt::format("the query would take too much memory: {} bytes more than the {} that it has, "
                    "of {} allowed (query-max-memory)",
                    bytes, bytes_.load(std::memory_order_relaxed), limits_.bytes));
  }
  if (!shared_.Take(bytes)) {
    bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    return absl::ResourceExhaustedError(
        fmt::format("the queries would take too much memory: {} bytes more than the {} that all "
                    "of them have, of {} allowed (query-max-total-memory)",
                    bytes, shared_.held(), shared_.limit()));
  }
  RaiseTo(bytes_.load(std::memory_order_relaxed), peak_bytes_);
  return absl::OkStatus();
}

void Budget::ReleaseBytes(uint64_t bytes) {
  bytes_.fetch_sub(bytes, std::memory_order_relaxed);
  shared_.GiveBack(bytes);
}

absl::Status Holding::Add(uint64_t samples, uint64_t bytes) {
  if (samples > 0) {
    LL_RETURN_IF_ERROR(budget_.Charge(samples));
    samples_ += samples;
  }
  if (bytes > 0) {
    LL_RETURN_IF_ERROR(budget_.ChargeBytes(bytes));
    bytes_ += bytes;
  }
  return absl::OkStatus();
}

void Holding::GiveBack(uint64_t samples, uint64_t bytes) {
  samples = std::min(samples, samples_);
  bytes = std::min(bytes, bytes_);
  if (samples > 0) budget_.Release(samples);
  if (bytes > 0) budget_.ReleaseBytes(bytes);
  samples_ -= samples;
  bytes_ -= bytes;
}

}  // namespace leadline::collector::promql::exec
