#include "agent/requests/tracker.h"

#include <utility>

namespace leadline::agent::requests {
namespace {

using protocols::Want;
using protocols::base::Direction;

constexpr uint64_t kSweepNs = 1'000'000'000;
constexpr size_t kFreeMax = 256;  // kept for connections to come

size_t IndexOf(Direction direction) { return static_cast<size_t>(direction); }

}  // namespace

Tracker::Tracker(const Limits& limits, RequestRows& rows, Wants& wants)
    : limits_(limits),
      rows_(rows),
      wants_(wants),
      shard_(limits.parsing, *this),
      places_(limits.places) {}

void Tracker::OnRequest(const protocols::base::RequestRecord& record) {
  rows_.Add(at_work_->cgroup_id, record, at_work_->weight);
}

void Tracker::OnCall(const CapturedConnection& connection, const CapturedCall& call) {
  if (connection.place >= places_.size()) return;
  Place& place = places_[connection.place];
  // The kernel had not read yet that nothing more is wanted.
  if (place.done_serial == connection.serial) return;
  Entry* entry = place.entry.get();
  if (entry == nullptr || entry->serial != connection.serial) {
    entry = Begin(place, connection);
    if (entry == nullptr) return;
  }
  at_work_ = entry;
  entry->last_ns = call.ts_ns;
  entry->weight = call.weight;
  Push(*entry, call);
  if (entry->connection.want(call.direction).what == Want::What::kNothing) {
    GiveUp(place);
  } else {
    TellWants(*entry);
  }
}

Tracker::Entry* Tracker::Begin(Place& place, const CapturedConnection& connection) {
  // The end of the one before was lost.
  if (place.entry != nullptr) {
    at_work_ = place.entry.get();
    place.entry->connection.Close({.ts_ns = place.entry->last_ns});
    Release(place);
  }
  if (live_.size() >= limits_.connections) {
    ++refused_;
    place.done_serial = connection.serial;
    wants_.Nothing(connection.place, connection.serial);
    return nullptr;
  }
  if (free_.empty()) {
    place.entry = std::make_unique<Entry>(shard_, parsers_);
  } else {
    place.entry = std::move(free_.back());
    free_.pop_back();
  }
  Entry& entry = *place.entry;
  entry.connection.Begin({.id = uint64_t{connection.serial} << 32 | connection.place,
                          .joined_late = connection.joined_late,
                          .local_port = connection.local_port,
                          .remote_port = connection.remote_port});
  entry.cgroup_id = connection.cgroup_id;
  entry.place = connection.place;
  entry.serial = connection.serial;
  entry.index = live_.size();
  for (const size_t i : {0, 1}) entry.next[i] = entry.told[i] = 0;
  live_.push_back(&entry);
  return &entry;
}

void Tracker::Push(Entry& entry, const CapturedCall& call) {
  if (call.skipped > 0) {
    entry.connection.Push({.direction = call.direction,
                           .offset = call.offset,
                           .ts_ns = call.ts_ns,
                           .uncaptured = call.skipped});
  }
  if (!call.bytes.empty() || call.uncaptured > 0) {
    entry.connection.Push({.direction = call.direction,
                           .offset = call.offset + call.skipped,
                           .ts_ns = call.ts_ns,
                           .bytes = call.bytes,
                           .uncaptured = call.uncaptured});
  }
  entry.next[IndexOf(call.direction)] =
      call.offset + call.skipped + call.bytes.size() + call.uncaptured;
}

// The kernel gives whatever is not below the offset, so it is told only of what is ahead.
void Tracker::TellWants(Entry& entry) {
  for (const Direction direction : {Direction::kEgress, Direction::kIngress}) {
    const size_t i = IndexOf(direction);
    const uint64_t offset = entry.connection.want(direction).offset;
    if (offset <= entry.next[i] || offset == entry.told[i]) continue;
    entry.told[i] = offset;
    wants_.From(entry.place, entry.serial, direction, offset);
  }
}

void Tracker::OnEnd(const CapturedConnection& connection, const protocols::End& end) {
  if (connection.place >= places_.size()) return;
  Place& place = places_[connection.place];
  if (place.entry == nullptr || place.entry->serial != connection.serial) return;
  at_work_ = place.entry.get();
  place.entry->connection.Close(end);
  Release(place);
}

void Tracker::Tick(uint64_t now_ns) {
  if (now_ns < swept_ns_ + kSweepNs) return;
  swept_ns_ = now_ns;
  // From the end on: what is released is replaced by one that was looked at.
  for (size_t i = live_.size(); i-- > 0;) {
    Entry& entry = *live_[i];
    Place& place = places_[entry.place];
    at_work_ = &entry;
    entry.connection.Tick(now_ns);
    const bool unknown = entry.connection.protocol() == protocols::base::Protocol::kUnknown;
    if (unknown && now_ns > entry.last_ns + limits_.silence_ns) {
      entry.connection.Close({.ts_ns = entry.last_ns});
      GiveUp(place);
    } else if (entry.connection.want(Direction::kEgress).what == Want::What::kNothing) {
      GiveUp(place);
    }
  }
}

void Tracker::GiveUp(Place& place) {
  place.done_serial = place.entry->serial;
  wants_.Nothing(place.entry->place, place.entry->serial);
  Release(place);
}

void Tracker::Release(Place& place) {
  const size_t index = place.entry->index;
  live_[index] = live_.back();
  live_[index]->index = index;
  live_.pop_back();
  if (free_.size() < kFreeMax) {
    free_.push_back(std::move(place.entry));
  } else {
    place.entry.reset();
  }
}

}  // namespace leadline::agent::requests
