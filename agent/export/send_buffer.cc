#include "agent/export/send_buffer.h"

#include <algorithm>
#include <utility>

namespace leadline::agent {

size_t SendBuffer::Bytes(const Entry& entry) const {
  return sizeof(Entry) + (entry.wire == nullptr ? 0 : entry.wire->size());
}

SendBuffer::Dropped SendBuffer::Push(uint64_t sequence, uint64_t samples, Wire wire) {
  entries_.push_back({sequence, sequence, samples, std::move(wire), std::nullopt, false});
  bytes_ += Bytes(entries_.back());
  ++batches_;
  LeaveMemory();
  Dropped dropped;
  // Only those that are in memory make room.
  for (size_t i = NextIndex(); bytes_ > max_bytes_ && i < entries_.size();) {
    if (entries_[i].wire == nullptr) {
      ++i;
      continue;
    }
    const size_t before = entries_.size();
    dropped += DropAt(i);
    // The dropped one may have become a part of the range before it.
    if (before == entries_.size()) ++i;
  }
  return dropped;
}

void SendBuffer::PushSpooled(uint64_t sequence, uint64_t samples, const spool::Location& location) {
  entries_.push_back({sequence, sequence, samples, nullptr, location, false});
  bytes_ += Bytes(entries_.back());
  ++batches_;
}

void SendBuffer::PushLost(uint64_t first, uint64_t last, uint64_t samples) {
  entries_.push_back({first, last, samples, nullptr, std::nullopt, false});
  bytes_ += Bytes(entries_.back());
}

void SendBuffer::Spooled(uint64_t sequence, const spool::Location& location) {
  Entry* const entry = Find(sequence);
  if (entry == nullptr || entry->dropped()) return;
  entry->location = location;
  LeaveMemory();
}

SendBuffer::Dropped SendBuffer::Unspooled(uint64_t first, uint64_t last) {
  Dropped dropped;
  for (size_t i = IndexOf(first); i < entries_.size() && entries_[i].first <= last;) {
    const size_t before = entries_.size();
    if (entries_[i].wire != nullptr) {
      entries_[i].location.reset();
    } else if (!entries_[i].dropped()) {
      dropped += DropAt(i);
    }
    if (before == entries_.size()) ++i;
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
    if (!front.dropped()) {
      --batches_;
      if (unsent_ > 0) --in_flight_;
    }
    bytes_ -= Bytes(front);
    entries_.pop_front();
    if (unsent_ > 0) --unsent_;
  }
}

SendBuffer::Dropped SendBuffer::BeginSession(uint64_t durable_sequence) {
  EndSession();
  sent_sequence_ = durable_sequence;
  LeaveMemory();
  Dropped dropped;
  if (spooled_bytes_ > 0) return dropped;
  for (size_t i = 0; i < entries_.size();) {
    const size_t before = entries_.size();
    if (entries_[i].wire != nullptr && entries_[i].read_back) dropped += DropAt(i);
    if (before == entries_.size()) ++i;
  }
  return dropped;
}

void SendBuffer::EndSession() {
  unsent_ = 0;
  in_flight_ = 0;
}

size_t SendBuffer::NextIndex() const {
  size_t index = unsent_;
  while (index < entries_.size() && entries_[index].dropped()) ++index;
  return index;
}

size_t SendBuffer::IndexOf(uint64_t sequence) const {
  const auto at = std::partition_point(entries_.begin(), entries_.end(),
                                       [&](const Entry& entry) { return entry.last < sequence; });
  return static_cast<size_t>(at - entries_.begin());
}

SendBuffer::Entry* SendBuffer::Find(uint64_t sequence) {
  const size_t index = IndexOf(sequence);
  if (index == entries_.size() || entries_[index].first > sequence) return nullptr;
  return &entries_[index];
}

std::optional<SendBuffer::Peek> SendBuffer::PeekNext() const {
  const size_t index = NextIndex();
  if (index == entries_.size()) return std::nullopt;
  const Entry& entry = entries_[index];
  if (entry.wire != nullptr) return Peek{entry.first, entry.wire->size(), std::nullopt};
  return Peek{entry.first, entry.location->batch_bytes, entry.location};
}

void SendBuffer::Attach(uint64_t sequence, Wire wire) {
  Entry* const entry = Find(sequence);
  if (entry == nullptr || entry->dropped() || entry->wire != nullptr) return;
  bytes_ += wire->size();
  entry->wire = std::move(wire);
  entry->read_back = true;
}

SendBuffer::Dropped SendBuffer::Lose(uint64_t sequence) {
  Entry* const entry = Find(sequence);
  if (entry == nullptr || entry->dropped() || entry->wire != nullptr) return {};
  return DropAt(IndexOf(sequence));
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
    if (entry.dropped() || entry.location) continue;
    ++dropped.batches;
    dropped.samples += entry.samples;
  }
  entries_.clear();
  unsent_ = batches_ = bytes_ = in_flight_ = 0;
  return dropped;
}

void SendBuffer::ForgetWire(Entry& entry) {
  if (entry.wire == nullptr) return;
  bytes_ -= entry.wire->size();
  entry.wire = nullptr;
}

void SendBuffer::LeaveMemory() {
  for (size_t i = unsent_; bytes_ > spooled_bytes_ && i < entries_.size(); ++i) {
    if (entries_[i].location) ForgetWire(entries_[i]);
  }
}

SendBuffer::Dropped SendBuffer::DropAt(size_t index) {
  Entry& entry = entries_[index];
  const Dropped dropped{1, entry.samples};
  ForgetWire(entry);
  entry.location.reset();
  --batches_;
  const auto merge = [this](size_t into, size_t from) {
    entries_[into].last = entries_[from].last;
    entries_[into].samples += entries_[from].samples;
    bytes_ -= sizeof(Entry);
    entries_.erase(entries_.begin() + static_cast<ptrdiff_t>(from));
  };
  if (index + 1 < entries_.size() && entries_[index + 1].dropped()) merge(index, index + 1);
  if (index > unsent_ && entries_[index - 1].dropped()) merge(index - 1, index);
  return dropped;
}

}  // namespace leadline::agent
