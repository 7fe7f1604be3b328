#include "agent/export/send_buffer.h"

#include <utility>

namespace leadline::agent {

size_t SendBuffer::Bytes(const Entry& entry) const {
  return sizeof(Entry) + (entry.wire == nullptr ? 0 : entry.wire->size());
}

SendBuffer::Dropped SendBuffer::Push(uint64_t sequence, uint64_t samples, std::string wire) {
  entries_.push_back(
      {sequence, sequence, samples, std::make_shared<const std::string>(std::move(wire))});
  bytes_ += Bytes(entries_.back());
  ++batches_;
  Dropped dropped;
  while (bytes_ > max_bytes_) {
    const size_t oldest = NextIndex();
    if (oldest == entries_.size()) break;  // all that is left is on its way
    const Dropped one = DropAt(oldest);
    dropped.batches += one.batches;
    dropped.samples += one.samples;
  }
  return dropped;
}

void SendBuffer::Acknowledge(uint64_t sequence) {
  while (!entries_.empty() && entries_.front().first <= sequence) {
    Entry& front = entries_.front();
    if (front.last > sequence) {  // a dropped range of which the collector had a part after all
      front.first = sequence + 1;
      break;
    }
    if (front.wire != nullptr) {
      --batches_;
      if (unsent_ > 0) --in_flight_;
    }
    bytes_ -= Bytes(front);
    entries_.pop_front();
    if (unsent_ > 0) --unsent_;
  }
}

void SendBuffer::BeginSession(uint64_t durable_sequence) {
  unsent_ = 0;
  in_flight_ = 0;
  sent_sequence_ = durable_sequence;
}

size_t SendBuffer::NextIndex() const {
  size_t index = unsent_;
  while (index < entries_.size() && entries_[index].wire == nullptr) ++index;
  return index;
}

std::optional<SendBuffer::Peek> SendBuffer::PeekNext() const {
  const size_t index = NextIndex();
  if (index == entries_.size()) return std::nullopt;
  return Peek{entries_[index].first, entries_[index].wire->size()};
}

std::optional<SendBuffer::Outgoing> SendBuffer::Next() {
  const size_t index = NextIndex();
  if (index == entries_.size()) return std::nullopt;
  const Entry& entry = entries_[index];
  Outgoing outgoing{entry.first, entry.first - sent_sequence_ - 1, 0, entry.wire};
  for (size_t i = unsent_; i < index; ++i) outgoing.lost_samples += entries_[i].samples;
  unsent_ = index + 1;
  sent_sequence_ = entry.first;
  ++in_flight_;
  return outgoing;
}

SendBuffer::Dropped SendBuffer::DropNext() { return DropAt(NextIndex()); }

SendBuffer::Dropped SendBuffer::DropAll() {
  Dropped dropped;
  for (const Entry& entry : entries_) {
    if (entry.wire == nullptr) continue;
    ++dropped.batches;
    dropped.samples += entry.samples;
  }
  entries_.clear();
  unsent_ = batches_ = bytes_ = in_flight_ = 0;
  return dropped;
}

SendBuffer::Dropped SendBuffer::DropAt(size_t index) {
  Entry& entry = entries_[index];
  const Dropped dropped{1, entry.samples};
  bytes_ -= entry.wire->size();
  --batches_;
  entry.wire = nullptr;
  const auto merge = [this](size_t into, size_t from) {
    entries_[into].last = entries_[from].last;
    entries_[into].samples += entries_[from].samples;
    bytes_ -= sizeof(Entry);
    entries_.erase(entries_.begin() + static_cast<ptrdiff_t>(from));
  };
  if (index + 1 < entries_.size() && entries_[index + 1].wire == nullptr) merge(index, index + 1);
  if (index > unsent_ && entries_[index - 1].wire == nullptr) merge(index - 1, index);
  return dropped;
}

}  // namespace leadline::agent
