#include "collector/store/window/warm_up.h"

#include <cstddef>

#include <rocksdb/cache.h>
#include <rocksdb/options.h>

#include "collector/store/window/rocks.h"

namespace leadline::collector::store::window {
namespace {

constexpr size_t kReadAheadBytes = 1 << 20;

}  // namespace

bool HasRoom(const rocksdb::Cache* cache) {
  return cache != nullptr && cache->GetUsage() < cache->GetCapacity() / 4 * 3;
}

rocksdb::ReadOptions ReadMany(bool fill_cache) {
  rocksdb::ReadOptions options = Reading();
  options.readahead_size = kReadAheadBytes;
  options.fill_cache = fill_cache;
  return options;
}

}  // namespace leadline::collector::store::window
