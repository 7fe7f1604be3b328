#include "collector/free_memory.h"

#include <malloc.h>

#include <algorithm>
#include <cstddef>

#include "absl/time/time.h"

namespace leadline::collector {
namespace {

#ifdef __GLIBC__

constexpr absl::Duration kLookEvery = absl::Seconds(2);
// So much may be free, and a share of what is in use: it is wanted again soon.
constexpr size_t kMayBeFreeBytes = 16 << 20;
constexpr size_t kMayBeFreePart = 8;

// Pieces from here on have pages of their own. Left alone, glibc raises this as such pieces are
// freed, up to 32 MiB. Rows of native histograms are smaller: as pages of their own they would be
// asked for, cleared and given back with every series.
constexpr int kOwnPagesBytes = 512 << 10;
// The end of an arena's memory is given back at once only where so much is free, and taken in steps
// of so much; left alone both are 128 KiB, and a query takes and gives all the time.
constexpr int kFreeEndBytes = 8 << 20;
constexpr int kStepBytes = 1 << 20;

void SetUp() {
  mallopt(M_ARENA_MAX, std::max(2, static_cast<int>(std::thread::hardware_concurrency())));
  mallopt(M_MMAP_THRESHOLD, kOwnPagesBytes);
  mallopt(M_TRIM_THRESHOLD, kFreeEndBytes);
  mallopt(M_TOP_PAD, kStepBytes);
}

void GiveBack() {
  const struct mallinfo2 info = mallinfo2();
  if (info.fordblks > kMayBeFreeBytes + info.uordblks / kMayBeFreePart) malloc_trim(0);
}

#else

constexpr absl::Duration kLookEvery = absl::InfiniteDuration();
void SetUp() {}
void GiveBack() {}

#endif

}  // namespace

FreeMemory::FreeMemory() {
  SetUp();
  thread_ = std::thread([this] { Run(); });
}

FreeMemory::~FreeMemory() {
  {
    MutexLock lock(mutex_);
    stopping_ = true;
    stopped_.NotifyAll();
  }
  thread_.join();
}

void FreeMemory::Run() {
  while (true) {
    {
      MutexLock lock(mutex_);
      if (!stopping_) stopped_.WaitFor(mutex_, kLookEvery);
      if (stopping_) return;
    }
    GiveBack();
  }
}

}  // namespace leadline::collector
