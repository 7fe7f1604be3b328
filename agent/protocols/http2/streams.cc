#include "agent/protocols/http2/streams.h"

#include <algorithm>

namespace leadline::agent::protocols::http2 {
namespace {

// Whose memory is kept for the next connection.
constexpr size_t kKeptStreams = 16;

}  // namespace

size_t StreamTable::PlaceOf(uint32_t id) const {
  if (order_.empty() || order_.back().id < id) return order_.size();
  const auto found =
      std::lower_bound(order_.begin(), order_.end(), id,
                       [](const Entry& entry, uint32_t of) { return entry.id < of; });
  return static_cast<size_t>(found - order_.begin());
}

Stream* StreamTable::Find(uint32_t id) {
  const size_t place = PlaceOf(id);
  return place < order_.size() && order_[place].id == id ? &slots_[order_[place].slot] : nullptr;
}

Stream& StreamTable::Open(uint32_t id) {
  if (free_.empty()) {
    free_.push_back(static_cast<uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const uint32_t slot = free_.back();
  free_.pop_back();
  order_.insert(order_.begin() + static_cast<std::ptrdiff_t>(PlaceOf(id)), {id, slot});
  return slots_[slot];
}

void StreamTable::Close(size_t i) {
  const uint32_t slot = order_[i].slot;
  slots_[slot] = Stream();
  free_.push_back(slot);
  order_.erase(order_.begin() + static_cast<std::ptrdiff_t>(i));
}

void StreamTable::Clear() {
  order_.clear();
  free_.clear();
  slots_.clear();
  if (slots_.capacity() <= kKeptStreams) return;
  std::vector<Entry>().swap(order_);
  std::vector<Stream>().swap(slots_);
  std::vector<uint32_t>().swap(free_);
}

size_t StreamTable::memory_bytes() const {
  return slots_.capacity() * sizeof(Stream) + order_.capacity() * sizeof(Entry) +
         free_.capacity() * sizeof(uint32_t);
}

}  // namespace leadline::agent::protocols::http2
