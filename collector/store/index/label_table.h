// Labels of series, each name and value once in the process: 32-bit ids for (name, value) pairs.
//
// Equal labels have equal ids wherever they come from (a shard of the head, any window), so series
// are compared, grouped and posted by numbers. Whoever keeps an id keeps a reference to it; with
// the last one the text goes and the id is given to another label. An id is read without a lock by
// whoever holds a reference, or something that does.
//
// Bounds: kMaxLabels distinct labels; the head's limit on definitions is far below it. Threading:
// any thread. The process's table is never destroyed. Source: ADR 130.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"

#include "common/labels.h"
#include "common/mutex.h"

namespace leadline::collector::store::index {

// Of this run of the process only: never on disk or on the wire.
enum class LabelId : uint32_t {};

using leadline::LabelView;

// The same for equal labels, in this run of the process.
uint64_t HashLabel(const LabelView& label);

class LabelTable {
 public:
  static constexpr size_t kMaxLabels = size_t{1} << 26;

  // The process's.
  static LabelTable& Get();

  // The id of the label, new or known, with a reference for the caller.
  LabelId Acquire(const LabelView& label) { return Acquire(label, HashLabel(label)); }
  LabelId Acquire(const LabelView& label, uint64_t hash);
  // Another reference to what is referred to.
  void Retain(LabelId id) { EntryOf(id).references.fetch_add(1, std::memory_order_relaxed); }
  void Release(LabelId id);

  // Of an id that is referred to, and as long as it is.
  LabelView View(LabelId id) const {
    const Entry& entry = EntryOf(id);
    return {{entry.text, entry.name_bytes}, {entry.text + entry.name_bytes, entry.value_bytes}};
  }
  uint64_t Hash(LabelId id) const { return EntryOf(id).hash; }

  // Labels that are referred to, and the memory that they take.
  size_t size() const;
  size_t bytes() const;

 private:
  // The lowest bits of an id are its shard's number, so that threads rarely meet.
  static constexpr uint32_t kShardBits = 3;
  static constexpr uint32_t kShards = 1 << kShardBits;
  static constexpr uint32_t kBlockBits = 10;
  static constexpr uint32_t kBlockEntries = 1 << kBlockBits;
  static constexpr size_t kBlocks = kMaxLabels / kShards / kBlockEntries;

  struct Entry {
    const char* text = nullptr;  // the name, then the value
    uint64_t hash = 0;
    uint32_t name_bytes = 0;
    uint32_t value_bytes = 0;
    std::atomic<uint32_t> references{0};
  };
  struct Key {
    LabelView label;
    uint64_t hash = 0;
  };
  struct EntryHash {
    using is_transparent = void;
    const LabelTable* table;
    size_t operator()(LabelId id) const { return table->Hash(id); }
    size_t operator()(const Key& key) const { return key.hash; }
  };
  struct EntryEqual {
    using is_transparent = void;
    const LabelTable* table;
    bool operator()(LabelId a, LabelId b) const { return a == b; }
    bool operator()(LabelId id, const Key& key) const {
      return table->Hash(id) == key.hash && table->View(id) == key.label;
    }
  };
  struct Shard {
    mutable Mutex mutex;
    absl::flat_hash_set<LabelId, EntryHash, EntryEqual> ids ABSL_GUARDED_BY(mutex);
    std::vector<uint32_t> free ABSL_GUARDED_BY(mutex);  // numbers of entries that may be used again
    uint32_t entries ABSL_GUARDED_BY(mutex) = 0;
    size_t text_bytes ABSL_GUARDED_BY(mutex) = 0;
    // Entries never move; a block is there before an id of it is given out.
    std::array<std::atomic<Entry*>, kBlocks> blocks{};
  };

  LabelTable();

  Entry& EntryOf(LabelId id) const {
    const auto bits = static_cast<uint32_t>(id);
    const uint32_t number = bits >> kShardBits;
    Entry* const block =
        shards_[bits % kShards].blocks[number >> kBlockBits].load(std::memory_order_acquire);
    return block[number % kBlockEntries];
  }
  static uint32_t NewEntry(Shard& shard) ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mutex);

  // mutable: entries count references whoever looks.
  mutable std::array<Shard, kShards> shards_;
};

}  // namespace leadline::collector::store::index
