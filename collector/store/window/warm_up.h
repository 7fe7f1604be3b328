// Reads what the first queries after a start are likely to want, so that they do not wait for the
// disk.
#pragma once

#include "absl/functional/function_ref.h"

namespace rocksdb {
class Cache;
struct ReadOptions;
}  // namespace rocksdb

namespace leadline::collector::store::window {

// When to end. Called before each piece of work of some 100 KiB at most.
using MayReadOn = absl::FunctionRef<bool()>;

// Whether there is room in the cache for more that nobody has asked for yet. A part of it is left
// to what is asked for. Without a cache there is none.
bool HasRoom(const rocksdb::Cache* cache);

// For reading many rows that lie next to each other.
rocksdb::ReadOptions ReadMany(bool fill_cache);

}  // namespace leadline::collector::store::window
