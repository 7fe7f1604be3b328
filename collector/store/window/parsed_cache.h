// What was parsed from a window's rows, kept in the block cache that all windows share, so that one
// bound holds for it and for RocksDB's blocks.
//
// Threading: any thread. What is got is immutable and lives as long as the caller keeps it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <rocksdb/cache.h>

namespace leadline::collector::store::window {

class ParsedCache {
 public:
  // Without a cache nothing is kept.
  explicit ParsedCache(std::shared_ptr<rocksdb::Cache> cache)
      : cache_(std::move(cache)), id_(cache_ == nullptr ? 0 : cache_->NewId()) {}

  // Null when it is not there. A key is always of one type.
  template <typename T>
  std::shared_ptr<const T> Get(std::string_view key) const {
    if (cache_ == nullptr) return nullptr;
    rocksdb::Cache::Handle* const handle = cache_->Lookup(KeyOf(key));
    if (handle == nullptr) return nullptr;
    auto found = *static_cast<const std::shared_ptr<const T>*>(cache_->Value(handle));
    cache_->Release(handle);
    return found;
  }

  template <typename T>
  void Put(std::string_view key, const std::shared_ptr<const T>& parsed, size_t bytes) const {
    if (cache_ == nullptr) return;
    auto* const kept = new std::shared_ptr<const T>(parsed);
    const rocksdb::Status inserted =
        cache_->Insert(KeyOf(key), kept, bytes, [](const rocksdb::Slice&, void* value) {
          delete static_cast<std::shared_ptr<const T>*>(value);
        });
    // Without a handle, a full cache takes the value and lets it go at once, with OK.
    if (!inserted.ok()) delete kept;
  }

 private:
  // RocksDB's own keys have 16 bytes; these have more.
  std::string KeyOf(std::string_view key) const {
    std::string own = "leadline parsed ";
    own.append(reinterpret_cast<const char*>(&id_), sizeof(id_));
    own += key;
    return own;
  }

  std::shared_ptr<rocksdb::Cache> cache_;
  uint64_t id_;
};

}  // namespace leadline::collector::store::window
