#include "agent/probes/request_buffers.h"

#include <algorithm>
#include <atomic>

namespace leadline::agent::probes {
namespace {

constexpr uint64_t kNone = UINT64_MAX;
constexpr size_t kEndsAtOnce = REQUEST_ENDS_BYTES / sizeof(request_record);

uint64_t SizeOf(const request_record& record) {
  return (sizeof(record) + record.captured + 7) / 8 * 8;
}

uint64_t HeadOf(request_buffer* buffer) {
  return std::atomic_ref<__u64>(buffer->head).load(std::memory_order_acquire);
}

}  // namespace

size_t RequestBuffers::BytesOf(uint32_t ring_bytes) {
  return sizeof(request_buffer) + ring_bytes + REQUEST_SPILL_BYTES;
}

RequestBuffers::RequestBuffers(std::byte* memory, uint32_t cpus, uint32_t ring_bytes)
    : ring_bytes_(ring_bytes), sources_(cpus), next_ns_(cpus + 1) {
  for (Source& source : sources_) {
    source.buffer = reinterpret_cast<request_buffer*>(memory);
    source.ring = memory + sizeof(request_buffer);
    source.at = std::atomic_ref<__u64>(source.buffer->tail).load(std::memory_order_relaxed);
    memory += BytesOf(ring_bytes);
  }
  ends_.reserve(kEndsAtOnce);
}

void RequestBuffers::AddEnd(const request_record& end) {
  ends_sorted_ =
      ends_sorted_ && (ends_.size() == ends_at_ || ends_.back().ts_mono_ns <= end.ts_mono_ns);
  ends_.push_back(end);
}

const request_record* RequestBuffers::RecordAt(const Source& source) const {
  return reinterpret_cast<const request_record*>(source.ring + (source.at & (ring_bytes_ - 1)));
}

uint64_t RequestBuffers::NextOf(Source& source, uint64_t until_ns) {
  if (source.at == source.end) return kNone;
  const request_record* record = RecordAt(source);
  __builtin_prefetch(record + 1);
  if (source.end - source.at > ring_bytes_ || SizeOf(*record) > source.end - source.at) {
    ++malformed_;
    source.at = source.end;
    return kNone;
  }
  return record->ts_mono_ns < until_ns ? record->ts_mono_ns : kNone;
}

uint64_t RequestBuffers::NextEnd(uint64_t until_ns) const {
  if (ends_at_ == ends_.size() || ends_[ends_at_].ts_mono_ns >= until_ns) return kNone;
  return ends_[ends_at_].ts_mono_ns;
}

void RequestBuffers::ForgetHandedEnds() {
  ends_.erase(ends_.begin(), ends_.begin() + static_cast<std::ptrdiff_t>(ends_at_));
  ends_at_ = 0;
}

bool RequestBuffers::Read(uint64_t until_ns, size_t most, Handler handler) {
  if (!ends_sorted_) {
    std::sort(ends_.begin(), ends_.end(), [](const request_record& a, const request_record& b) {
      return a.ts_mono_ns < b.ts_mono_ns;
    });
    ends_sorted_ = true;
  }
  const size_t ends = sources_.size();
  for (Source& source : sources_) source.end = HeadOf(source.buffer);
  for (size_t i = 0; i < ends; ++i) next_ns_[i] = NextOf(sources_[i], until_ns);
  next_ns_[ends] = NextEnd(until_ns);

  while (true) {
    // One CPU tells of several calls before another does: all of them, once it is known which.
    size_t first = 0;
    uint64_t second_ns = kNone;
    for (size_t i = 1; i < next_ns_.size(); ++i) {
      second_ns = std::min(second_ns, std::max(next_ns_[i], next_ns_[first]));
      if (next_ns_[i] < next_ns_[first]) first = i;
    }
    if (next_ns_[first] == kNone || most == 0) break;
    do {
      if (first == ends) {
        handler(&ends_[ends_at_], sizeof(request_record));
        ++ends_at_;
        next_ns_[first] = NextEnd(until_ns);
      } else {
        Source& source = sources_[first];
        const request_record* record = RecordAt(source);
        handler(record, sizeof(*record) + record->captured);
        source.at += SizeOf(*record);
        next_ns_[first] = NextOf(source, until_ns);
      }
    } while (--most > 0 && next_ns_[first] != kNone && next_ns_[first] <= second_ns);
  }

  ForgetHandedEnds();
  bool much = false;
  for (Source& source : sources_) {
    std::atomic_ref<__u64>(source.buffer->tail).store(source.at, std::memory_order_release);
    much |= HeadOf(source.buffer) - source.at > ring_bytes_ / kMuch;
  }
  return most > 0 && !much;
}

}  // namespace leadline::agent::probes
