// What was parsed from a window's rows, kept in the block cache that all windows share, so that one
// bound holds for it and for RocksDB's blocks.
//
// Threading: any thread. What is got is immutable and lives as long as the caller keeps it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "absl/container/inlined_vector.h"
#include <rocksdb/cache.h>
#include <rocksdb/slice.h>

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
    rocksdb::Cache::Handle* const handle = cache_->Lookup(Key(id_, key).slice());
    if (handle == nullptr) return nullptr;
    puts_.load(std::memory_order_acquire);
    auto found = *static_cast<const std::shared_ptr<const T>*>(cache_->Value(handle));
    cache_->Release(handle);
    return found;
  }

  template <typename T>
  void Put(std::string_view key, const std::shared_ptr<const T>& parsed, size_t bytes) const {
    // Without a handle, a full cache takes the value and lets it go at once, with OK.
    Insert(key, parsed, bytes, nullptr);
  }

  // As Get and Put, for what is used for as long as it takes to read much else: it stays in the
  // cache while somebody has it and counts as used when nobody has it any more.
  template <typename T>
  std::shared_ptr<const T> GetInUse(std::string_view key) const {
    if (cache_ == nullptr) return nullptr;
    rocksdb::Cache::Handle* const handle = cache_->Lookup(Key(id_, key).slice());
    if (handle == nullptr) return nullptr;
    puts_.load(std::memory_order_acquire);
    return InUse(handle, *static_cast<const std::shared_ptr<const T>*>(cache_->Value(handle)));
  }
  template <typename T>
  std::shared_ptr<const T> PutInUse(std::string_view key, const std::shared_ptr<const T>& parsed,
                                    size_t bytes) const {
    rocksdb::Cache::Handle* handle = nullptr;
    return Insert(key, parsed, bytes, &handle) ? InUse(handle, parsed) : parsed;
  }

 private:
  // False where there is no room.
  template <typename T>
  bool Insert(std::string_view key, const std::shared_ptr<const T>& parsed, size_t bytes,
              rocksdb::Cache::Handle** handle) const {
    if (cache_ == nullptr) return false;
    auto* const kept = new std::shared_ptr<const T>(parsed);
    puts_.fetch_add(1, std::memory_order_release);
    const rocksdb::Status inserted = cache_->Insert(
        Key(id_, key).slice(), kept, bytes,
        [](const rocksdb::Slice&, void* value) {
          delete static_cast<std::shared_ptr<const T>*>(value);
        },
        handle);
    if (!inserted.ok()) delete kept;
    return inserted.ok();
  }

  template <typename T>
  std::shared_ptr<const T> InUse(rocksdb::Cache::Handle* handle,
                                 std::shared_ptr<const T> parsed) const {
    const T* const value = parsed.get();
    return {value, [cache = cache_, handle, parsed = std::move(parsed)](const T*) mutable {
              parsed = nullptr;
              cache->Release(handle);
            }};
  }

  // RocksDB's own keys have 16 bytes; these have more.
  class Key {
   public:
    Key(uint64_t id, std::string_view key) {
      constexpr std::string_view kBegin = "leadline parsed ";
      bytes_.assign(kBegin.begin(), kBegin.end());
      const auto* const number = reinterpret_cast<const char*>(&id);
      bytes_.insert(bytes_.end(), number, number + sizeof(id));
      bytes_.insert(bytes_.end(), key.begin(), key.end());
    }
    rocksdb::Slice slice() const { return {bytes_.data(), bytes_.size()}; }

   private:
    absl::InlinedVector<char, 96> bytes_;
  };

  std::shared_ptr<rocksdb::Cache> cache_;
  uint64_t id_;
  // Orders what is put before what is got. The cache's own locks do, but the thread sanitizer does
  // not see them.
  mutable std::atomic<uint64_t> puts_ = 0;
};

}  // namespace leadline::collector::store::window
