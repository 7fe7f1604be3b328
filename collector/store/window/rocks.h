// How RocksDB is opened for windows, and its errors as ours.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace rocksdb {
class Cache;
class Env;
class Slice;
class Status;
struct Options;
struct ReadOptions;
struct WriteOptions;
}  // namespace rocksdb

namespace leadline::collector::store::window {

// In few shards, so that what a selector found of many series is kept (parsed_cache.h).
std::shared_ptr<rocksdb::Cache> MakeBlockCache(size_t bytes);

// What all windows of a store share.
struct Shared {
  std::shared_ptr<rocksdb::Cache> cache;
  rocksdb::Env* env = nullptr;  // null: RocksDB's own; outlives the windows
};

rocksdb::Options WindowOptions(const Shared& shared, bool create);

// DATA_LOSS of the window at `path`; DamagedWindowOf gives the path of such a status, also where
// text was added since.
absl::Status DamagedWindow(const std::string& path, const std::string& text);
std::optional<std::string> DamagedWindowOf(const absl::Status& status);

// Whether a file of a window's directory is one of its tables, by its name.
bool IsTable(std::string_view file_name);

rocksdb::WriteOptions WithoutLog();

// How rows are read. Nowhere else, since iterators would pass over damaged blocks without a word:
// see its definition.
rocksdb::ReadOptions Reading();
// Without keeping what is read in the cache.
rocksdb::ReadOptions ReadingOnce();
// What an iterator has been at stays where it is as long as there is the iterator: it may be used
// without a copy.
rocksdb::ReadOptions ReadingInPlace();

rocksdb::Slice AsSlice(std::string_view text);
std::string_view AsView(const rocksdb::Slice& slice);

absl::Status FromRocks(const rocksdb::Status& status, const std::string& path,
                       std::string_view operation);
// Of opening a window, when a file that the disk does not give back, or that is none, is damage
// too. Later it is not: the disk may be gone as a whole, and come back.
absl::Status FromOpen(const rocksdb::Status& status, const std::string& path);

}  // namespace leadline::collector::store::window
