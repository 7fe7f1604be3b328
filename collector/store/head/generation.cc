#include "collector/store/head/generation.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>
#include <tuple>
#include <type_traits>
#include <utility>

#include "collector/store/codec/model_codec.h"
#include "collector/store/head/histogram_tokens.h"
#include "collector/store/head/tokens.h"
#include "common/bytes.h"

namespace leadline::collector::store::head {
namespace {

chunk::Piece AsPiece(chunk::Floats run) {
  return {.floats = std::make_shared<const chunk::Floats>(std::move(run))};
}
chunk::Piece AsPiece(chunk::Histograms run) {
  return {.histograms = std::make_shared<const chunk::Histograms>(std::move(run))};
}

// Of column tokens, at most; a float's token may follow one.
constexpr size_t kMaxColumnBytes = 1 + 5 + 5;
static_assert(kMaxColumnBytes + token::kMaxFloatBytes <= std::tuple_size_v<Chain::Short>);
// The first token of a series is one, in one piece.
static_assert(kMaxColumnBytes <= Chain::kFirstBlockBytes - Chain::kLinkBytes);

// Of a column's timestamps so many are passed between two checkpoints of a series.
constexpr uint32_t kCheckpointEvery = 256;

// On the heap, with what the allocator adds.
size_t BytesOf(const model::NativeHistogram& value) {
  constexpr size_t kAddedBytes = 16;
  size_t bytes = sizeof value + kAddedBytes;
  for (const size_t size : {sizeof(model::NativeHistogram::Bucket) * value.positive.size(),
                            sizeof(model::NativeHistogram::Bucket) * value.negative.size(),
                            sizeof(double) * value.custom_bounds.size()}) {
    if (size > 0) bytes += size + kAddedBytes;
  }
  return bytes;
}

size_t EncodeColumn(uint32_t column, uint32_t index, uint8_t* out) {
  size_t size = 0;
  out[size++] = token::kColumn;
  for (const uint32_t number : {column, index}) {
    uint32_t rest = number;
    for (; rest >= 0x80; rest >>= 7) out[size++] = static_cast<uint8_t>(rest | 0x80);
    out[size++] = static_cast<uint8_t>(rest);
  }
  return size;
}

// Values in the order of a series' tokens.
struct FloatReader {
  void Read(uint8_t code, const uint8_t*& at) { last = DecodeFloat(code, last, at); }
  void GoOn(uint64_t bits, std::string_view /*histogram*/) { last = bits; }
  double Get() const { return std::bit_cast<double>(last); }
  uint64_t last = 0;
};
struct HistogramReader {
  void Read(uint8_t /*code*/, const uint8_t*& at) { DecodeHistogram(last, at); }
  void GoOn(uint64_t /*bits*/, std::string_view histogram) {
    ByteReader reader(histogram);
    last = codec::ReadHistogram(reader);
  }
  const model::NativeHistogram& Get() const { return last; }
  model::NativeHistogram last;
};

// Samples in [start, end]. `reader`, `column` and `index`: as they are where the tokens begin.
template <typename Reader, typename Value>
void DecodeTokens(std::string_view tokens, const std::vector<TimeColumn>& columns, Reader reader,
                  const TimeColumn* column, uint32_t index, int64_t start_ms, int64_t end_ms,
                  chunk::Samples<Value>& out) {
  const auto* at = reinterpret_cast<const uint8_t*>(tokens.data());
  const uint8_t* const end = at + tokens.size();
  while (at < end) {
    const uint8_t code = *at++;
    if (code == token::kColumn) {
      column = &columns[DecodeVarint(at)];
      index = static_cast<uint32_t>(DecodeVarint(at));
      continue;
    }
    if ((code & ~token::kMaxCount) == token::kSkip) {
      index += (code & token::kMaxCount) + 1u;
      continue;
    }
    uint32_t count = 1;
    if (code <= token::kMaxCount) {
      count += code;
    } else {
      reader.Read(code, at);
    }
    if (column->At(index + count - 1) < start_ms) {
      index += count;
      continue;
    }
    for (; count > 0; --count, ++index) {
      const int64_t ts_ms = column->At(index);
      if (ts_ms > end_ms) return;
      if (ts_ms >= start_ms) out.Append(ts_ms, reader.Get());
    }
  }
}

}  // namespace

Appended Generation::Append(Frame& frame, uint32_t slot, double value) {
  return AppendTo(floats_, frame, slot, value);
}

Appended Generation::Append(Frame& frame, uint32_t slot, const model::NativeHistogram& value) {
  return AppendTo(histograms_, frame, slot, value);
}

template <typename Value>
Appended Generation::AppendTo(Lane& lane, Frame& frame, uint32_t slot, const Value& value) {
  end_slot_ = std::max(end_slot_, slot + 1);
  first_ms_ = std::min(first_ms_, frame.ts_ms);
  last_ms_ = std::max(last_ms_, frame.ts_ms);
  const Arena::Ref ref = full_ ? 0 : FindOrAdd(lane, slot);
  if (ref == 0) {
    full_ = true;
    return AppendLate(slot, frame.ts_ms, value);
  }
  Series& series = At(ref);
  if (series.column == kNoColumn) series.last = NewLast(value);
  Step step;
  switch (FindPlace(series, frame, step)) {
    case Place::kLate:
      return AppendLate(slot, frame.ts_ms, value);
    case Place::kSameTime: {
      const bool is_last = IsLast(series, value);
      if (is_last && !late_.contains(slot)) return Appended::kDuplicate;
      const Appended appended = AppendLate(slot, frame.ts_ms, value);
      if (appended != Appended::kNew) return appended;
      return is_last ? Appended::kDuplicate : Appended::kReplaced;
    }
    case Place::kNext:
      break;
  }
  const bool is_first = series.column == kNoColumn;
  const size_t bytes_before = arena_.bytes();
  Mark(lane, slot, series, step);
  if (!Put(series, step, value)) {
    full_ = true;
    if (is_first) lane.series[slot] = 0;
    return AppendLate(slot, frame.ts_ms, value);
  }
  if (is_first) first_bytes_ += kSeriesBytes + arena_.bytes() - bytes_before;
  series.column = step.column;
  series.next = step.index + 1;
  return Appended::kNew;
}

template <typename Value>
Appended Generation::AppendLate(uint32_t slot, int64_t ts_ms, const Value& value) {
  std::unique_ptr<Late>& late = late_[slot];
  if (late == nullptr) late = std::make_unique<Late>();
  if constexpr (std::is_same_v<Value, double>) {
    return late->floats.Append(ts_ms, value);
  } else {
    return late->histograms.Append(ts_ms, value);
  }
}

Arena::Ref Generation::FindOrAdd(Lane& lane, uint32_t slot) {
  static_assert(sizeof(Series) == 24 && std::is_trivially_destructible_v<Series>);
  if (slot >= lane.series.size()) lane.series.resize(slot + 1);
  Arena::Ref& ref = lane.series[slot];
  if (ref != 0) return ref;
  ref = arena_.Allocate(kSeriesBytes);
  if (ref == 0) return 0;
  new (arena_.At(ref)) Series{.chain = Chain(ref + sizeof(Series))};
  return ref;
}

uint64_t Generation::NewLast(const model::NativeHistogram& value) {
  last_histograms_.push_back(std::make_unique<model::NativeHistogram>());
  const size_t bytes = BytesOf(value);
  last_histogram_bytes_ += bytes;
  first_bytes_ += bytes;
  return last_histograms_.size() - 1;
}

Generation::Place Generation::FindPlace(const Series& series, Frame& frame, Step& step) {
  if (series.column != kNoColumn) {
    TimeColumn& column = columns_[series.column];
    if (column.last_ms() == frame.ts_ms) {
      if (series.next == column.size()) return Place::kSameTime;
      frame.column = series.column;
      step.column = series.column;
      step.index = column.size() - 1;
      const uint32_t skipped = step.index - series.next;
      if (skipped > token::kMaxCount) {
        step.size = EncodeColumn(step.column, step.index, step.bytes.data());
      } else if (skipped > 0) {
        step.bytes[step.size++] = static_cast<uint8_t>(token::kSkip | (skipped - 1));
      }
      return Place::kNext;
    }
    if (series.next == column.size() && column.MayPush(frame.ts_ms)) {
      column_bytes_ -= column.bytes();
      column.Push(frame.ts_ms);
      column_bytes_ += column.bytes();
      frame.column = series.column;
      step.column = series.column;
      step.index = series.next;
      return Place::kNext;
    }
    const int64_t last_ms = LastMs(series);
    if (frame.ts_ms <= last_ms) {
      return frame.ts_ms == last_ms ? Place::kSameTime : Place::kLate;
    }
  }
  if (frame.column == kNoColumn) {
    frame.column = static_cast<uint32_t>(columns_.size());
    column_bytes_ += columns_.emplace_back(frame.ts_ms).bytes();
  }
  step.column = frame.column;
  step.index = columns_[frame.column].size() - 1;
  step.size = EncodeColumn(step.column, step.index, step.bytes.data());
  return Place::kNext;
}

// --- Checkpoints ---

void Generation::Mark(Lane& lane, uint32_t slot, Series& series, const Step& step) {
  // A series that goes from column to column has many tokens that say so, and no checkpoints.
  if (step.column != series.column ||
      step.index / kCheckpointEvery == (series.next - 1) / kCheckpointEvery) {
    return;
  }
  if (slot >= lane.checkpoints.size()) lane.checkpoints.resize(slot + 1);
  Arena::Ref& last = lane.checkpoints[slot];
  const Chain::Position position = series.chain.position();
  // Not for less than a block.
  const Arena::Ref from =
      last != 0 ? CheckpointAt(last).position.at : lane.series[slot] + sizeof(Series);
  if (position.at - from < Chain::kMaxBlockBytes) return;
  histogram_.clear();
  if (&lane == &histograms_) codec::AppendHistogram(*last_histograms_[series.last], histogram_);
  const size_t bytes = sizeof(Checkpoint) + histogram_.size();
  const Arena::Ref ref = bytes <= Arena::kPageBytes / 2 ? arena_.Allocate(bytes) : 0;
  if (ref == 0) return;
  new (arena_.At(ref)) Checkpoint{.position = position,
                                  .last = series.last,
                                  .column = series.column,
                                  .next = series.next,
                                  .before = last,
                                  .size = static_cast<uint32_t>(histogram_.size())};
  std::memcpy(arena_.At(ref) + sizeof(Checkpoint), histogram_.data(), histogram_.size());
  last = ref;
  series.repeating = 0;  // what follows is told anew
}

const Generation::Checkpoint* Generation::FindCheckpoint(const Lane& lane, uint32_t slot,
                                                         int64_t start_ms) const {
  if (slot >= lane.checkpoints.size()) return nullptr;
  for (Arena::Ref ref = lane.checkpoints[slot]; ref != 0; ref = CheckpointAt(ref).before) {
    const Checkpoint& checkpoint = CheckpointAt(ref);
    if (columns_[checkpoint.column].At(checkpoint.next - 1) < start_ms) return &checkpoint;
  }
  return nullptr;
}

// --- Writing tokens ---

bool Generation::PutRepeat(Series& series, Step& step) {
  if (series.repeating != 0 && step.size == 0) {
    uint8_t& count = *series.chain.LastByte(arena_);
    if (count < token::kMaxCount) {
      ++count;
      return true;
    }
  }
  step.bytes[step.size++] = token::kRepeat;
  if (!series.chain.Append(arena_, step.bytes, step.size)) return false;
  series.repeating = 1;
  return true;
}

bool Generation::Put(Series& series, Step& step, double value) {
  const auto bits = std::bit_cast<uint64_t>(value);
  if (bits == series.last) return PutRepeat(series, step);
  Decimals decimals{static_cast<uint8_t>(series.decimals)};
  step.size += EncodeFloat(series.last, bits, decimals, step.bytes.data() + step.size);
  if (!series.chain.Append(arena_, step.bytes, step.size)) return false;
  series.decimals = decimals.exponent & 0xF;
  series.last = bits;
  series.repeating = 0;
  return true;
}

bool Generation::Put(Series& series, Step& step, const model::NativeHistogram& value) {
  model::NativeHistogram& last = *last_histograms_[series.last];
  if (last == value) return PutRepeat(series, step);
  histogram_.assign(reinterpret_cast<const char*>(step.bytes.data()), step.size);
  histogram_.push_back(static_cast<char>(token::kHistogram));
  EncodeHistogram(last, value, histogram_);
  series.repeating = 0;
  return series.chain.Append(arena_, histogram_);
}

bool Generation::IsLast(const Series& series, double value) const {
  return std::bit_cast<uint64_t>(value) == series.last;
}

bool Generation::IsLast(const Series& series, const model::NativeHistogram& value) const {
  const model::NativeHistogram& last = *last_histograms_[series.last];
  return last == value || (model::IsStaleNan(last.sum) && model::IsStaleNan(value.sum));
}

// --- Reading ---

int64_t Generation::FirstMs(Arena::Ref ref) const {
  const auto* at = reinterpret_cast<const uint8_t*>(arena_.At(ref + sizeof(Series))) + 1;
  const uint64_t column = DecodeVarint(at);
  return columns_[column].At(DecodeVarint(at));
}

template <typename Value>
void Generation::CollectFrom(const Lane& lane, uint32_t slot, int64_t start_ms, int64_t end_ms,
                             std::vector<chunk::Piece>& out) const {
  if (!HasSamplesIn(lane, slot, start_ms, end_ms)) return;
  using Reader = std::conditional_t<std::is_same_v<Value, double>, FloatReader, HistogramReader>;
  const Arena::Ref ref = lane.series[slot];
  thread_local std::string tokens;
  tokens.clear();
  Reader reader;
  const TimeColumn* column = nullptr;
  uint32_t index = 0;
  Chain::Position from = Chain::Begin(ref + sizeof(Series));
  if (const Checkpoint* const checkpoint = FindCheckpoint(lane, slot, start_ms)) {
    from = checkpoint->position;
    column = &columns_[checkpoint->column];
    index = checkpoint->next;
    reader.GoOn(checkpoint->last,
                {reinterpret_cast<const char*>(checkpoint) + sizeof(Checkpoint), checkpoint->size});
  }
  At(ref).chain.Read(arena_, from, tokens);
  chunk::Samples<Value> samples;
  DecodeTokens(tokens, columns_, std::move(reader), column, index, start_ms, end_ms, samples);
  if (!samples.empty()) out.push_back(AsPiece(std::move(samples)));
}

void Generation::Collect(uint32_t slot, int64_t start_ms, int64_t end_ms,
                         std::vector<chunk::Piece>& out) const {
  CollectFrom<double>(floats_, slot, start_ms, end_ms, out);
  CollectFrom<model::NativeHistogram>(histograms_, slot, start_ms, end_ms, out);
  const auto late = late_.find(slot);
  if (late == late_.end()) return;
  late->second->floats.Collect(start_ms, end_ms, out);
  late->second->histograms.Collect(start_ms, end_ms, out);
}

bool Generation::HasSamplesIn(const Lane& lane, uint32_t slot, int64_t start_ms,
                              int64_t end_ms) const {
  if (!lane.Has(slot)) return false;
  const Arena::Ref ref = lane.series[slot];
  const int64_t last_ms = LastMs(At(ref));
  return last_ms >= start_ms && (last_ms <= end_ms || FirstMs(ref) <= end_ms);
}

bool Generation::HasSamplesIn(uint32_t slot, int64_t start_ms, int64_t end_ms) const {
  if (HasSamplesIn(floats_, slot, start_ms, end_ms)) return true;
  if (HasSamplesIn(histograms_, slot, start_ms, end_ms)) return true;
  const auto late = late_.find(slot);
  return late != late_.end() && (late->second->floats.HasSamplesIn(start_ms, end_ms) ||
                                 late->second->histograms.HasSamplesIn(start_ms, end_ms));
}

size_t Generation::bytes() const {
  size_t bytes = arena_.bytes() + last_histogram_bytes_ + column_bytes_;
  for (const Lane* lane : {&floats_, &histograms_}) {
    bytes += (lane->series.capacity() + lane->checkpoints.capacity()) * sizeof(Arena::Ref);
  }
  return bytes;
}

}  // namespace leadline::collector::store::head
