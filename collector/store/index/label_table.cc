#include "collector/store/index/label_table.h"

#include <cstring>
#include <memory>

#include "absl/hash/hash.h"

namespace leadline::collector::store::index {

uint64_t HashLabel(const LabelView& label) { return absl::HashOf(label.name, label.value); }

LabelTable::LabelTable() {
  for (Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    shard.ids = decltype(shard.ids)(0, EntryHash{this}, EntryEqual{this});
  }
}

LabelTable& LabelTable::Get() {
  static LabelTable* const table = new LabelTable;
  return *table;
}

LabelId LabelTable::Acquire(const LabelView& label, uint64_t hash) {
  // The set of a shard uses the hash's other bits.
  const uint32_t number = hash >> 61;
  Shard& shard = shards_[number];
  MutexLock lock(shard.mutex);
  if (const auto it = shard.ids.find(Key{label, hash}); it != shard.ids.end()) {
    Retain(*it);
    return *it;
  }
  const uint32_t entry_number = NewEntry(shard);
  const LabelId id{entry_number << kShardBits | number};
  Entry& entry = EntryOf(id);
  auto text = std::make_unique<char[]>(label.name.size() + label.value.size());
  std::memcpy(text.get(), label.name.data(), label.name.size());
  std::memcpy(text.get() + label.name.size(), label.value.data(), label.value.size());
  entry.text = text.release();
  shard.text_bytes += label.name.size() + label.value.size();
  entry.hash = hash;
  entry.name_bytes = static_cast<uint32_t>(label.name.size());
  entry.value_bytes = static_cast<uint32_t>(label.value.size());
  entry.references.store(1, std::memory_order_relaxed);
  shard.ids.insert(id);
  return id;
}

uint32_t LabelTable::NewEntry(Shard& shard) {
  if (!shard.free.empty()) {
    const uint32_t number = shard.free.back();
    shard.free.pop_back();
    return number;
  }
  const uint32_t number = shard.entries++;
  if (number % kBlockEntries == 0) {
    shard.blocks.at(number >> kBlockBits)
        .store(new Entry[kBlockEntries], std::memory_order_release);
  }
  return number;
}

void LabelTable::Release(LabelId id) {
  Entry& entry = EntryOf(id);
  // The last reference goes under the mutex, so that Acquire never finds what is being freed.
  uint32_t references = entry.references.load(std::memory_order_relaxed);
  while (references > 1) {
    if (entry.references.compare_exchange_weak(references, references - 1,
                                               std::memory_order_acq_rel)) {
      return;
    }
  }
  const auto bits = static_cast<uint32_t>(id);
  Shard& shard = shards_[bits % kShards];
  MutexLock lock(shard.mutex);
  if (entry.references.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
  shard.ids.erase(id);
  shard.text_bytes -= entry.name_bytes + entry.value_bytes;
  delete[] entry.text;
  entry.text = nullptr;
  shard.free.push_back(bits >> kShardBits);
}

size_t LabelTable::size() const {
  size_t size = 0;
  for (const Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    size += shard.ids.size();
  }
  return size;
}

size_t LabelTable::bytes() const {
  // With what the allocator adds to a text, and the set to an id.
  constexpr size_t kEachBytes = sizeof(Entry) + 16 + 2 * (sizeof(LabelId) + 1);
  size_t bytes = 0;
  for (const Shard& shard : shards_) {
    MutexLock lock(shard.mutex);
    bytes += shard.text_bytes + shard.ids.size() * kEachBytes;
  }
  return bytes;
}

}  // namespace leadline::collector::store::index
