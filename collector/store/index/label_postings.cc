#include "collector/store/index/label_postings.h"

namespace leadline::collector::store::index {

bool LabelPostings::Add(LabelId label, uint32_t ordinal) {
  const auto [it, added] = postings_.try_emplace(label);
  if (added) values_[LabelTable::Get().View(label).name].insert(label);
  it->second.Add(ordinal);
  return added;
}

const Postings* LabelPostings::Find(std::string_view name, std::string_view value) const {
  const auto values = values_.find(name);
  if (values == values_.end()) return nullptr;
  const auto it = values->second.find(value);
  return it == values->second.end() ? nullptr : &postings_.find(*it)->second;
}

size_t LabelPostings::bytes() const {
  constexpr size_t kSlotBytes = sizeof(LabelId) + sizeof(Postings) + 1;
  size_t bytes = postings_.capacity() * kSlotBytes;
  for (const auto& [label, postings] : postings_) bytes += sizeof(LabelId) + postings.heap_bytes();
  return bytes;
}

}  // namespace leadline::collector::store::index
