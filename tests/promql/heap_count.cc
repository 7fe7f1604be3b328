#include "tests/promql/heap_count.h"

#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <new>

namespace leadline::collector::promqltest {
namespace {

std::atomic<uint64_t> live_bytes = 0;
std::atomic<uint64_t> peak_bytes = 0;

void* Allocate(std::size_t size) {
  void* const at = std::malloc(size == 0 ? 1 : size);
  if (at == nullptr) std::abort();
  const uint64_t bytes = malloc_usable_size(at);
  const uint64_t now = live_bytes.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  uint64_t peak = peak_bytes.load(std::memory_order_relaxed);
  while (now > peak && !peak_bytes.compare_exchange_weak(peak, now, std::memory_order_relaxed)) {
  }
  return at;
}

void Free(void* at) {
  live_bytes.fetch_sub(malloc_usable_size(at), std::memory_order_relaxed);
  std::free(at);
}

}  // namespace

uint64_t HeapBytes() { return live_bytes.load(std::memory_order_relaxed); }

uint64_t TakeHeapPeak() { return peak_bytes.exchange(HeapBytes(), std::memory_order_relaxed); }

}  // namespace leadline::collector::promqltest

using leadline::collector::promqltest::Allocate;
using leadline::collector::promqltest::Free;

void* operator new(std::size_t size) { return Allocate(size); }
void* operator new[](std::size_t size) { return Allocate(size); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return Allocate(size); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return Allocate(size); }
void operator delete(void* at) noexcept { Free(at); }
void operator delete[](void* at) noexcept { Free(at); }
void operator delete(void* at, std::size_t) noexcept { Free(at); }
void operator delete[](void* at, std::size_t) noexcept { Free(at); }
void operator delete(void* at, const std::nothrow_t&) noexcept { Free(at); }
void operator delete[](void* at, const std::nothrow_t&) noexcept { Free(at); }
