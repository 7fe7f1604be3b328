#include "agent/probes/lifecycle_ring.h"

#include <cstddef>
#include <cstring>

#include <gtest/gtest.h>

namespace leadline::agent::probes {
namespace {

constexpr size_t kPathAt = offsetof(lifecycle_record, path);

lifecycle_record Record(std::string_view path) {
  lifecycle_record record = {};
  record.ts_mono_ns = 12;
  record.cgroup = 34;
  record.kind = LIFECYCLE_CGROUP_RMDIR;
  record.path_bytes = static_cast<__u32>(path.size());
  std::memcpy(record.path, path.data(), path.size());
  return record;
}

TEST(DecodeLifecycleRecord, TakesAWholeRecord) {
  const lifecycle_record record = Record("/a/b");
  LifecycleEvent event;
  ASSERT_TRUE(DecodeLifecycleRecord(&record, kPathAt + 5, event));
  EXPECT_EQ(event.kind, LifecycleEvent::Kind::kCgroupRemoved);
  EXPECT_EQ(event.ts_mono_ns, 12);
  EXPECT_EQ(event.cgroup_id, 34u);
  EXPECT_EQ(event.path, "/a/b");
  EXPECT_FALSE(event.truncated);
}

TEST(DecodeLifecycleRecord, RefusesWhatIsShortOrUnknown) {
  lifecycle_record record = Record("/a/b");
  LifecycleEvent event;
  for (size_t size = 0; size < kPathAt + 4; ++size) {
    EXPECT_FALSE(DecodeLifecycleRecord(&record, size, event)) << size;
  }
  record.path_bytes = LIFECYCLE_PATH_MAX + 1;
  EXPECT_FALSE(DecodeLifecycleRecord(&record, sizeof(record), event));
  record.path_bytes = ~0U;
  EXPECT_FALSE(DecodeLifecycleRecord(&record, sizeof(record), event));
  record.path_bytes = 4;
  record.kind = 99;
  EXPECT_FALSE(DecodeLifecycleRecord(&record, sizeof(record), event));
}

}  // namespace
}  // namespace leadline::agent::probes
