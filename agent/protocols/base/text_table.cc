#include "agent/protocols/base/text_table.h"

#include <algorithm>
#include <bit>

#include "xxhash.h"

namespace leadline::agent::protocols::base {

TextTable::TextTable(uint32_t max_texts)
    : max_texts_(std::max<uint32_t>(max_texts, 1)),
      entries_(1),
      index_(std::bit_ceil<size_t>(size_t{max_texts_} * 2)) {}

TextRef TextTable::Intern(uint8_t kind, const TextParts& parts) {
  const uint64_t hash = XXH3_64bits(parts.text.data(), parts.text.size());
  if (const uint32_t found = Find(kind, hash, parts); found != 0) {
    Acquire(found);
    return {this, found};
  }
  const uint32_t id = TakePlace();
  if (id == 0) return {};
  Entry& entry = entries_[id];
  entry.chars.assign(parts.text);
  entry.chars.append(parts.operation);
  entry.chars.append(parts.summary);
  entry.hash = hash;
  entry.refs = 1;
  entry.text_size = static_cast<uint16_t>(parts.text.size());
  entry.operation_size = static_cast<uint16_t>(parts.operation.size());
  entry.kind = kind;
  entry.cut = parts.cut;
  AddToIndex(id);
  return {this, id};
}

size_t TextTable::memory_bytes() const {
  size_t bytes = entries_.capacity() * sizeof(Entry) + index_.capacity() * sizeof(uint32_t) +
                 free_.capacity() * sizeof(uint32_t);
  for (const Entry& entry : entries_) bytes += entry.chars.capacity();
  return bytes;
}

uint32_t TextTable::Find(uint8_t kind, uint64_t hash, const TextParts& parts) const {
  for (size_t at = Home(hash); index_[at] != 0; at = (at + 1) & (index_.size() - 1)) {
    const Entry& entry = entries_[index_[at]];
    if (entry.hash == hash && entry.kind == kind && entry.cut == parts.cut &&
        std::string_view(entry.chars).substr(0, entry.text_size) == parts.text) {
      return index_[at];
    }
  }
  return 0;
}

// A new one, or that of the text which was unused for longest; 0 when there is none.
uint32_t TextTable::TakePlace() {
  if (!free_.empty()) {
    const uint32_t id = free_.back();
    free_.pop_back();
    return id;
  }
  if (entries_.size() <= max_texts_) {
    entries_.emplace_back();
    return static_cast<uint32_t>(entries_.size() - 1);
  }
  const uint32_t oldest = entries_[0].newer;
  if (oldest == 0) return 0;
  Unlink(oldest);
  DropFromIndex(oldest);
  return oldest;
}

void TextTable::AddToIndex(uint32_t id) {
  size_t at = Home(entries_[id].hash);
  while (index_[at] != 0) at = (at + 1) & (index_.size() - 1);
  index_[at] = id;
}

// Moves up what would not be found any more.
void TextTable::DropFromIndex(uint32_t id) {
  const size_t mask = index_.size() - 1;
  size_t hole = Home(entries_[id].hash);
  while (index_[hole] != id) hole = (hole + 1) & mask;
  for (size_t at = (hole + 1) & mask; index_[at] != 0; at = (at + 1) & mask) {
    const size_t home = Home(entries_[index_[at]].hash);
    if (((at - home) & mask) >= ((at - hole) & mask)) {
      index_[hole] = index_[at];
      hole = at;
    }
  }
  index_[hole] = 0;
}

}  // namespace leadline::agent::protocols::base
