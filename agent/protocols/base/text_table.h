// The normalised texts of a shard, each kept once: routes, queries, names. What waits for a
// response, and prepared statements, hold a reference, which costs nothing to copy about and keeps
// a text that is the same on a thousand connections in memory once.
//
// Bounded: at most `max_texts`. A text that nothing refers to any more stays until its place is
// needed, the longest unused first, so that a text that comes again allocates nothing. Texts of one
// kind are told apart by a 64-bit hash, which is the fingerprint, and compared as well.
//
// Not thread-safe. References must not outlive the table.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace leadline::agent::protocols::base {

class TextTable;

class TextRef {
 public:
  TextRef() = default;
  TextRef(TextRef&& other) noexcept
      : table_(std::exchange(other.table_, nullptr)), id_(std::exchange(other.id_, 0)) {}
  TextRef& operator=(TextRef&& other) noexcept {
    if (this != &other) {
      Reset();
      table_ = std::exchange(other.table_, nullptr);
      id_ = std::exchange(other.id_, 0);
    }
    return *this;
  }
  TextRef(const TextRef&) = delete;
  TextRef& operator=(const TextRef&) = delete;
  ~TextRef() { Reset(); }

  TextRef Copy() const;
  void Reset();
  explicit operator bool() const { return table_ != nullptr; }

  // Empty, or 0, of no text. Views hold as long as the reference does.
  std::string_view text() const;
  std::string_view operation() const;
  std::string_view summary() const;
  uint64_t fingerprint() const;
  // It is a part of a longer one.
  bool cut() const;

 private:
  friend class TextTable;
  TextRef(TextTable* table, uint32_t id) : table_(table), id_(id) {}

  TextTable* table_ = nullptr;
  uint32_t id_ = 0;
};

// What is interned. Texts that are equal, and equally cut, have equal operations and summaries.
struct TextParts {
  std::string_view text;
  std::string_view operation = {};
  std::string_view summary = {};
  bool cut = false;
};

class TextTable {
 public:
  explicit TextTable(uint32_t max_texts);
  TextTable(const TextTable&) = delete;
  TextTable& operator=(const TextTable&) = delete;

  // No reference when every place is in use. Kinds keep equal texts of different meaning apart: any
  // number.
  TextRef Intern(uint8_t kind, const TextParts& parts);

  size_t size() const { return entries_.size() - 1 - free_.size(); }
  size_t memory_bytes() const;

 private:
  friend class TextRef;

  struct Entry {
    std::string chars;  // text, operation, summary
    uint64_t hash = 0;
    uint32_t refs = 0;
    uint32_t older = 0;  // among those without references; 0 for none
    uint32_t newer = 0;
    uint16_t text_size = 0;
    uint16_t operation_size = 0;
    uint8_t kind = 0;
    bool cut = false;
  };

  size_t Home(uint64_t hash) const { return hash & (index_.size() - 1); }
  uint32_t Find(uint8_t kind, uint64_t hash, const TextParts& parts) const;
  uint32_t TakePlace();
  void AddToIndex(uint32_t id);
  void DropFromIndex(uint32_t id);
  void Acquire(uint32_t id);
  void Release(uint32_t id);
  void Unlink(uint32_t id);

  const uint32_t max_texts_;
  std::vector<Entry> entries_;  // [0] is no text: the ends of the list of unused ones
  std::vector<uint32_t> free_;
  std::vector<uint32_t> index_;  // open addressing, linear; 0 for empty
};

inline TextRef TextRef::Copy() const {
  if (table_ == nullptr) return {};
  table_->Acquire(id_);
  return {table_, id_};
}

inline void TextRef::Reset() {
  if (table_ == nullptr) return;
  table_->Release(id_);
  table_ = nullptr;
  id_ = 0;
}

inline std::string_view TextRef::text() const {
  if (table_ == nullptr) return {};
  const TextTable::Entry& entry = table_->entries_[id_];
  return std::string_view(entry.chars).substr(0, entry.text_size);
}

inline std::string_view TextRef::operation() const {
  if (table_ == nullptr) return {};
  const TextTable::Entry& entry = table_->entries_[id_];
  return std::string_view(entry.chars).substr(entry.text_size, entry.operation_size);
}

inline std::string_view TextRef::summary() const {
  if (table_ == nullptr) return {};
  const TextTable::Entry& entry = table_->entries_[id_];
  return std::string_view(entry.chars).substr(entry.text_size + entry.operation_size);
}

inline uint64_t TextRef::fingerprint() const {
  return table_ == nullptr ? 0 : table_->entries_[id_].hash;
}

inline bool TextRef::cut() const { return table_ != nullptr && table_->entries_[id_].cut; }

inline void TextTable::Acquire(uint32_t id) {
  if (entries_[id].refs++ == 0) Unlink(id);
}

// entries_[0].newer is the oldest unused text, entries_[0].older the newest.
inline void TextTable::Release(uint32_t id) {
  Entry& entry = entries_[id];
  if (--entry.refs != 0) return;
  entry.newer = 0;
  entry.older = entries_[0].older;
  entries_[entry.older].newer = id;
  entries_[0].older = id;
}

inline void TextTable::Unlink(uint32_t id) {
  const Entry& entry = entries_[id];
  entries_[entry.older].newer = entry.newer;
  entries_[entry.newer].older = entry.older;
}

}  // namespace leadline::agent::protocols::base
