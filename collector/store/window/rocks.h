// How RocksDB is opened for windows, and its errors as ours.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace rocksdb {
class Cache;
class Status;
struct Options;
}  // namespace rocksdb

namespace leadline::collector::store::window {

std::shared_ptr<rocksdb::Cache> MakeBlockCache(size_t bytes);

rocksdb::Options WindowOptions(std::shared_ptr<rocksdb::Cache> cache, bool create);

absl::Status FromRocks(const rocksdb::Status& status, const std::string& path,
                       std::string_view operation);

}  // namespace leadline::collector::store::window
