#include "collector/store/window/postings_row.h"

#include <limits>

#include <rocksdb/merge_operator.h>

#include "common/bytes.h"

namespace leadline::collector::store::window {
namespace {

class Append final : public rocksdb::AssociativeMergeOperator {
 public:
  const char* Name() const override { return "leadline.postings"; }  // on disk: never change

  bool Merge(const rocksdb::Slice&, const rocksdb::Slice* existing, const rocksdb::Slice& value,
             std::string* merged, rocksdb::Logger*) const override {
    merged->clear();
    if (existing != nullptr) merged->assign(existing->data(), existing->size());
    merged->append(value.data(), value.size());
    return true;
  }
};

}  // namespace

void AppendPostings(absl::Span<const uint32_t> ordinals, std::string& out) {
  if (ordinals.empty()) return;
  std::string runs;
  uint64_t next = 0;  // the least that may come
  for (size_t i = 0; i < ordinals.size();) {
    size_t end = i + 1;
    while (end < ordinals.size() && ordinals[end] == ordinals[end - 1] + 1) ++end;
    const uint64_t gap = ordinals[i] - next;
    const size_t length = end - i;
    AppendVarint(gap << 1 | (length > 1 ? 1 : 0), runs);
    if (length > 1) AppendVarint(length - 2, runs);
    next = uint64_t{ordinals[end - 1]} + 1;
    i = end;
  }
  AppendString(runs, out);
}

bool ReadPostings(std::string_view row, Roaring& out) {
  constexpr uint64_t kEnd = uint64_t{std::numeric_limits<uint32_t>::max()} + 1;
  ByteReader parts(row);
  while (!parts.AtEnd()) {
    ByteReader runs(parts.String());
    if (!parts.ok() || runs.AtEnd()) return false;
    uint64_t next = 0;
    while (!runs.AtEnd()) {
      const uint64_t head = runs.Varint();
      const uint64_t gap = head >> 1;
      const uint64_t more = (head & 1) != 0 ? runs.Varint() : 0;
      const uint64_t length = (head & 1) != 0 ? more + 2 : 1;
      if (!runs.ok() || gap >= kEnd || more >= kEnd || next + gap + length > kEnd) return false;
      out.addRange(next + gap, next + gap + length);
      next += gap + length;
    }
  }
  return true;
}

std::shared_ptr<rocksdb::MergeOperator> PostingsMerge() { return std::make_shared<Append>(); }

}  // namespace leadline::collector::store::window
