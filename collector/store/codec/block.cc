#include "collector/store/codec/block.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "collector/store/codec/floats.h"
#include "collector/store/codec/histograms.h"
#include "collector/store/codec/integers.h"
#include "common/bytes.h"
#include "common/status_macros.h"

namespace leadline::collector::store::codec {
namespace {

// 1 had no histograms with float counts; all else is as in 2.
constexpr uint8_t kLeastBlockVersion = 1;
// From here on patterns tell the longest distance of neighbours, and the directory markers.
constexpr uint8_t kPresenceVersion = 3;

constexpr size_t kLeastPatternBytes = 3;
constexpr size_t kLeastRunBytes = 4;
constexpr int kPlaceShift = 1;
constexpr uint8_t kPlaceBits = 63;
constexpr uint8_t kIsHistogram = 1;
constexpr uint8_t kFollows = 0x80;
constexpr int kPayloadShift = 1;
constexpr uint64_t kEnds = 1;
static_assert(kBlockPlaces == kPlaceBits + 1);

// Both are in the years that the store takes, or far outside where the sum would overflow.
bool AddMs(int64_t a_ms, uint64_t b_ms, int64_t& sum_ms) {
  return b_ms <= INT64_MAX && !__builtin_add_overflow(a_ms, static_cast<int64_t>(b_ms), &sum_ms);
}

bool IsWholly(const BlockRun& run, const Wanted& wanted) {
  return wanted.start_ms <= run.first_ms && wanted.end_ms >= run.last_ms;
}

// Which of a run's samples are wanted.
RunPart PartWithin(const std::vector<int64_t>& offsets_ms, const BlockRun& run,
                   const Wanted& wanted) {
  RunPart part{0, offsets_ms.size()};
  if (wanted.start_ms > run.first_ms) {
    const auto is_before = [&](int64_t offset_ms) {
      return run.first_ms + offset_ms < wanted.start_ms;
    };
    part.begin = static_cast<size_t>(
        std::partition_point(offsets_ms.begin(), offsets_ms.end(), is_before) - offsets_ms.begin());
  }
  if (wanted.end_ms < run.last_ms) {
    const auto is_within = [&](int64_t offset_ms) {
      return run.first_ms + offset_ms <= wanted.end_ms;
    };
    const auto begin = offsets_ms.begin() + static_cast<ptrdiff_t>(part.begin);
    part.end = static_cast<size_t>(std::partition_point(begin, offsets_ms.end(), is_within) -
                                   offsets_ms.begin());
  }
  return part;
}

// Numbers of offsets, as few as can be: what is left out is between two that are no further apart
// than `apart_ms`.
std::vector<uint32_t> LeftApart(const std::vector<int64_t>& offsets_ms, int64_t apart_ms) {
  std::vector<uint32_t> left = {0};
  for (uint32_t i = 1; i < offsets_ms.size(); ++i) {
    const bool is_last = i + 1 == offsets_ms.size();
    if (is_last || offsets_ms[i + 1] - offsets_ms[left.back()] > apart_ms) left.push_back(i);
  }
  return left;
}

// Whether `count` timestamps, `span_ms` from the first to the last, may be so far apart at most.
bool MayBeLongest(uint64_t longest_ms, uint64_t span_ms, size_t count) {
  if (longest_ms == 0 || longest_ms > span_ms) return longest_ms == 0 && span_ms == 0;
  return (span_ms - 1) / longest_ms < count - 1;
}

// Of a run whose samples are not further apart than that: at any time within it there is one that
// is not older, so that any times will do.
void AppendApart(const BlockRun& run, const Wanted& wanted, std::vector<int64_t>& ts_ms) {
  int64_t at_ms = std::max(run.first_ms, wanted.start_ms);
  const int64_t last_ms = std::min(run.last_ms, wanted.end_ms);
  if (at_ms > last_ms) return;
  for (; last_ms - at_ms > wanted.apart_ms; at_ms += wanted.apart_ms) ts_ms.push_back(at_ms);
  ts_ms.push_back(at_ms);
  if (at_ms < last_ms) ts_ms.push_back(last_ms);
}

constexpr double kMaxWhole = 9007199254740992.0;  // 2^53

// Whether all are whole numbers of at most 2^53, and not -0.
bool AsWhole(absl::Span<const double> values, std::vector<int64_t>& whole) {
  whole.resize(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    if (!(std::fabs(values[i]) <= kMaxWhole)) return false;
    whole[i] = static_cast<int64_t>(values[i]);
    if (std::bit_cast<uint64_t>(static_cast<double>(whole[i])) !=
        std::bit_cast<uint64_t>(values[i])) {
      return false;
    }
  }
  return true;
}

}  // namespace

// --- Writing ---

size_t BlockWriter::PatternOf(absl::Span<const int64_t> ts_ms) {
  const auto is_offset = [&](int64_t offset_ms, int64_t ts) { return offset_ms + ts_ms[0] == ts; };
  if (std::equal(offsets_ms_.begin(), offsets_ms_.end(), ts_ms.begin(), ts_ms.end(), is_offset)) {
    return pattern_;
  }
  offsets_ms_.assign(ts_ms.begin(), ts_ms.end());
  for (int64_t& offset_ms : offsets_ms_) offset_ms -= ts_ms[0];
  const auto [it, is_new] = pattern_numbers_.try_emplace(offsets_ms_, pattern_numbers_.size());
  pattern_ = it->second;
  if (!is_new) return pattern_;
  int64_t longest_ms = 0;
  for (size_t i = 1; i < offsets_ms_.size(); ++i) {
    longest_ms = std::max(longest_ms, offsets_ms_[i] - offsets_ms_[i - 1]);
  }
  std::string bytes;
  EncodeIntegers(offsets_ms_, bytes);
  AppendVarint(offsets_ms_.size(), patterns_);
  AppendVarint(static_cast<uint64_t>(offsets_ms_.back()), patterns_);
  AppendVarint(static_cast<uint64_t>(longest_ms), patterns_);
  AppendString(bytes, patterns_);
  return pattern_;
}

void BlockWriter::AddRun(const BlockRun& run, absl::Span<const int64_t> ts_ms) {
  if (runs_++ == 0) {
    origin_ms_ = before_ms_ = first_ms_ = ts_ms.front();
    last_ms_ = ts_ms.back();
  }
  first_ms_ = std::min(first_ms_, ts_ms.front());
  last_ms_ = std::max(last_ms_, ts_ms.back());
  directory_.push_back(static_cast<char>(run.place << kPlaceShift |
                                         (run.kind == ChunkKind::kHistogram ? kIsHistogram : 0) |
                                         (run.follows ? kFollows : 0)));
  AppendVarint(PatternOf(ts_ms), directory_);
  AppendSigned(ts_ms.front() - before_ms_, directory_);
  AppendVarint(run.payload.size() << kPayloadShift | (run.ends ? kEnds : 0), directory_);
  before_ms_ = ts_ms.front();
  payloads_ += run.payload;
}

// Whether differences from the run before change about half as much as the values do.
bool BlockWriter::MayFollow(size_t pattern, absl::Span<const double> values) const {
  if (whole_.size() != values.size() || pattern != whole_pattern_ || following_ >= kMaxFollowing) {
    return false;
  }
  double alone = 0;
  double beside = 0;
  for (size_t i = 1; i < values.size(); ++i) {
    const double step = values[i] - values[i - 1];
    alone += std::fabs(step);
    beside += std::fabs(step - static_cast<double>(whole_[i] - whole_[i - 1]));
  }
  return beside < 0.7 * alone;
}

void BlockWriter::Add(size_t place, absl::Span<const int64_t> ts_ms,
                      absl::Span<const double> values) {
  BlockRun run{.place = static_cast<uint8_t>(place), .ends = model::IsStaleNan(values.back())};
  if (run.ends) values.remove_suffix(1);
  std::string payload;
  if (!values.empty()) EncodeFloats(values, payload);
  std::vector<int64_t> whole;
  if (!AsWhole(values, whole)) whole.clear();
  const size_t pattern = PatternOf(ts_ms);
  if (!whole.empty() && MayFollow(pattern, values)) {
    std::vector<int64_t> differences(whole.size());
    for (size_t i = 0; i < whole.size(); ++i) differences[i] = whole[i] - whole_[i];
    std::string beside;
    EncodeIntegers(differences, beside);
    run.follows = beside.size() < payload.size();
    if (run.follows) payload = std::move(beside);
  }
  run.payload = payload;
  AddRun(run, ts_ms);
  whole_ = std::move(whole);
  whole_pattern_ = pattern;
  following_ = run.follows ? following_ + 1 : 0;
}

void BlockWriter::Add(size_t place, absl::Span<const int64_t> ts_ms,
                      absl::Span<const model::NativeHistogram> values) {
  std::string payload;
  EncodeHistograms(values, payload);
  AddRun({.place = static_cast<uint8_t>(place), .kind = ChunkKind::kHistogram, .payload = payload},
         ts_ms);
  whole_.clear();
}

void BlockWriter::AddEncoded(const BlockRun& run, absl::Span<const int64_t> ts_ms) {
  AddRun(run, ts_ms);
  whole_.clear();
}

std::string BlockWriter::Finish() {
  std::string block(1, static_cast<char>(kBlockVersion));
  AppendSigned(first_ms_, block);
  AppendVarint(static_cast<uint64_t>(last_ms_ - first_ms_), block);
  AppendVarint(pattern_numbers_.size(), block);
  block += patterns_;
  AppendVarint(runs_, block);
  AppendSigned(origin_ms_ - first_ms_, block);
  block += directory_;
  block += payloads_;
  *this = {};
  return block;
}

// --- Reading ---

absl::Status BlockReader::Malformed(std::string_view what) const {
  return absl::DataLossError(fmt::format("block of {} bytes: {}", block_.size(), what));
}

absl::StatusOr<BlockReader> BlockReader::Open(std::string_view block) {
  BlockReader reader(block);
  LL_RETURN_IF_ERROR(reader.ReadDirectory());
  return reader;
}

absl::Status BlockReader::ReadDirectory() {
  ByteReader reader(block_);
  const uint8_t version = reader.Byte();
  if (version > kBlockVersion) {
    return absl::UnimplementedError(
        fmt::format("block of version {}; this program reads up to {}", version, kBlockVersion));
  }
  if (version < kLeastBlockVersion) return Malformed(fmt::format("version {}", version));
  first_ms_ = reader.Signed();
  if (!AddMs(first_ms_, reader.Varint(), last_ms_)) return Malformed("ends beyond all time");
  patterns_.resize(reader.Count(kLeastPatternBytes));
  for (Pattern& pattern : patterns_) {
    pattern.count = reader.Varint();
    const uint64_t span_ms = reader.Varint();
    if (pattern.count == 0 || pattern.count > kMaxChunkSamples || span_ms > INT64_MAX) {
      return Malformed("bad timestamps");
    }
    pattern.span_ms = static_cast<int64_t>(span_ms);
    if (version >= kPresenceVersion) {
      const uint64_t longest_ms = reader.Varint();
      if (!MayBeLongest(longest_ms, span_ms, pattern.count)) return Malformed("bad timestamps");
      pattern.longest_ms = static_cast<int64_t>(longest_ms);
    }
    pattern.bytes = reader.String();
  }
  runs_.resize(reader.Count(kLeastRunBytes));
  int64_t begin_ms = 0;
  if (__builtin_add_overflow(first_ms_, reader.Signed(), &begin_ms)) reader.Fail();
  size_t payload_bytes = 0;
  for (BlockRun& run : runs_) {
    const uint8_t head = reader.Byte();
    run.place = head >> kPlaceShift & kPlaceBits;
    run.follows = (head & kFollows) != 0;
    run.kind = (head & kIsHistogram) != 0 ? ChunkKind::kHistogram : ChunkKind::kFloat;
    const uint64_t pattern = reader.Varint();
    if (__builtin_add_overflow(begin_ms, reader.Signed(), &begin_ms)) reader.Fail();
    uint64_t payload = reader.Varint();
    if (version >= kPresenceVersion) {
      run.ends = (payload & kEnds) != 0;
      payload >>= kPayloadShift;
    }
    if (!reader.ok() || pattern >= patterns_.size() || payload > block_.size() - payload_bytes ||
        !AddMs(begin_ms, static_cast<uint64_t>(patterns_[pattern].span_ms), run.last_ms) ||
        begin_ms < first_ms_ || run.last_ms > last_ms_) {
      return Malformed("bad directory");
    }
    run.pattern = static_cast<uint32_t>(pattern);
    ++patterns_[pattern].runs;
    run.count = patterns_[pattern].count;
    run.first_ms = begin_ms;
    if (run.ends && run.kind != ChunkKind::kFloat) return Malformed("a marker of another kind");
    run.payload = block_.substr(payload_bytes, payload);  // its place is known in the end
    payload_bytes += payload;
  }
  if (!reader.ok() || reader.remaining() != payload_bytes || runs_.empty()) {
    return Malformed("bad directory");
  }
  std::string_view payloads = reader.rest();
  for (BlockRun& run : runs_) {
    run.payload = payloads.substr(0, run.payload.size());
    payloads.remove_prefix(run.payload.size());
  }
  size_t following = 0;
  for (size_t i = 0; i < runs_.size(); ++i) {
    following = runs_[i].follows ? following + 1 : 0;
    if (following == 0) continue;
    if (i == 0 || following > kMaxFollowing || runs_[i].kind != ChunkKind::kFloat ||
        runs_[i - 1].kind != ChunkKind::kFloat || runs_[i - 1].count != runs_[i].count ||
        runs_[i - 1].ends != runs_[i].ends) {
      return Malformed("a run that follows none");
    }
  }
  const auto before = [](const BlockRun& a, const BlockRun& b) { return a.place < b.place; };
  if (!std::is_sorted(runs_.begin(), runs_.end(), before)) return Malformed("places out of order");
  return absl::OkStatus();
}

absl::Status BlockReader::DecodeOffsets(const Pattern& pattern,
                                        absl::Span<int64_t> offsets_ms) const {
  ByteReader reader(pattern.bytes);
  DecodeIntegers(reader, offsets_ms);
  if (!reader.ok() || !reader.AtEnd() || offsets_ms.front() != 0 ||
      offsets_ms.back() != pattern.span_ms || !Ascend(offsets_ms)) {
    return Malformed("bad timestamps");
  }
  return absl::OkStatus();
}

absl::StatusOr<BlockReader::Pattern*> BlockReader::PatternOf(const BlockRun& run) {
  Pattern& pattern = patterns_[run.pattern];
  if (!pattern.offsets_ms.empty()) return &pattern;
  std::vector<int64_t> offsets_ms(pattern.count);
  LL_RETURN_IF_ERROR(DecodeOffsets(pattern, absl::MakeSpan(offsets_ms)));
  pattern.offsets_ms = std::move(offsets_ms);
  return &pattern;
}

absl::StatusOr<RunPart> BlockReader::PartOf(const BlockRun& run, const Wanted& wanted) {
  if (IsWholly(run, wanted)) return RunPart{0, run.count};
  LL_ASSIGN_OR_RETURN(const Pattern* const pattern, PatternOf(run));
  return PartWithin(pattern->offsets_ms, run, wanted);
}

absl::StatusOr<RunPart> BlockReader::ReadTimesOf(const BlockRun& run, const Wanted& wanted,
                                                 std::vector<int64_t>& ts_ms) {
  const size_t before = ts_ms.size();
  const Pattern& pattern = patterns_[run.pattern];
  RunPart part{0, run.count};
  if (pattern.runs == 1 && IsWholly(run, wanted)) {
    // What no other run has is decoded where it is wanted.
    ts_ms.resize(before + run.count);
    const auto offsets_ms = absl::MakeSpan(ts_ms).subspan(before);
    if (absl::Status decoded = DecodeOffsets(pattern, offsets_ms); !decoded.ok()) {
      ts_ms.resize(before);
      return decoded;
    }
    for (int64_t& ts : offsets_ms) ts += run.first_ms;
    return part;
  }
  LL_RETURN_IF_ERROR(PatternOf(run).status());
  LL_ASSIGN_OR_RETURN(part, PartOf(run, wanted));
  ts_ms.resize(before + part.size());
  for (size_t i = 0; i < part.size(); ++i) {
    ts_ms[before + i] = run.first_ms + pattern.offsets_ms[part.begin + i];
  }
  return part;
}

absl::Status BlockReader::ReadPresence(const BlockRun& run, const Wanted& wanted,
                                       std::vector<int64_t>& ts_ms) {
  if (patterns_[run.pattern].longest_ms <= wanted.apart_ms) {
    AppendApart(run, wanted, ts_ms);  // a marker, too: it is the last
    return absl::OkStatus();
  }
  LL_ASSIGN_OR_RETURN(Pattern* const pattern, PatternOf(run));
  const std::vector<int64_t>& offsets_ms = pattern->offsets_ms;
  const RunPart part = PartWithin(offsets_ms, run, wanted);
  if (part.size() == 0) return absl::OkStatus();
  if (pattern->apart_ms != wanted.apart_ms) {
    pattern->left = LeftApart(offsets_ms, wanted.apart_ms);
    pattern->apart_ms = wanted.apart_ms;
  }
  // The ends of the part, and what is left between them.
  ts_ms.push_back(run.first_ms + offsets_ms[part.begin]);
  const std::vector<uint32_t>& left = pattern->left;
  for (auto it = std::upper_bound(left.begin(), left.end(), part.begin);
       it != left.end() && *it + size_t{1} < part.end; ++it) {
    ts_ms.push_back(run.first_ms + offsets_ms[*it]);
  }
  if (part.size() > 1) ts_ms.push_back(run.first_ms + offsets_ms[part.end - 1]);
  return absl::OkStatus();
}

absl::Status BlockReader::ReadTimes(const BlockRun& run, std::vector<int64_t>& ts_ms,
                                    const Wanted& wanted) {
  return ReadTimesOf(run, wanted, ts_ms).status();
}

bool BlockReader::IsFollowed(const BlockRun& run) const {
  const auto next = static_cast<size_t>(&run - runs_.data()) + 1;
  return next < runs_.size() && runs_[next].follows;
}

bool BlockReader::DecodeRun(const BlockRun& run, absl::Span<double> values) {
  const auto number = static_cast<size_t>(&run - runs_.data());
  ByteReader reader(run.payload);
  if (values.empty()) {
    // A marker alone.
  } else if (!run.follows) {
    DecodeFloats(reader, values);
  } else {
    if (before_run_ != number - 1) {
      before_.resize(values.size());
      if (!DecodeRun(runs_[number - 1], absl::MakeSpan(before_))) return false;
    }
    int64_t differences[kMaxColumn];
    DecodeIntegers(reader, absl::MakeSpan(differences, values.size()));
    for (size_t i = 0; reader.ok() && i < values.size(); ++i) {
      const double value = before_[i] + static_cast<double>(differences[i]);
      if (!(std::fabs(value) <= kMaxWhole)) reader.Fail();
      values[i] = value;
    }
  }
  before_run_ = SIZE_MAX;
  if (!reader.ok() || !reader.AtEnd()) return false;
  if (IsFollowed(run)) {
    if (values.data() != before_.data()) before_.assign(values.begin(), values.end());
    before_run_ = number;
  }
  return true;
}

bool BlockReader::DecodePart(const BlockRun& run, const RunPart& part, absl::Span<double> values) {
  const size_t count = run.payload_count();
  if (part.size() == count) return DecodeRun(run, values);
  if (run.follows || IsFollowed(run)) {
    double all[kMaxColumn];
    if (!DecodeRun(run, absl::MakeSpan(all, count))) return false;
    std::copy(all + part.begin, all + part.end, values.begin());
    return true;
  }
  ByteReader reader(run.payload);
  DecodeFloats(reader, count, part.begin, values);
  return reader.ok() && reader.AtEnd();
}

absl::Status BlockReader::Read(const BlockRun& run, std::vector<int64_t>& ts_ms,
                               std::vector<double>& values, const Wanted& wanted) {
  const size_t before = values.size();
  const size_t times_before = ts_ms.size();
  // Whole numbers have no markers among them.
  const bool are_present =
      wanted.presence && (run.follows || run.payload_count() == 0 || HaveNoMarkers(run.payload));
  RunPart part;
  if (are_present && wanted.apart_ms > 0) {
    LL_RETURN_IF_ERROR(ReadPresence(run, wanted, ts_ms));
  } else {
    LL_ASSIGN_OR_RETURN(part, ReadTimesOf(run, wanted, ts_ms));
  }
  values.resize(before + ts_ms.size() - times_before);
  const bool has_marker = run.ends && ts_ms.size() > times_before && ts_ms.back() == run.last_ms;
  if (has_marker) values.back() = model::StaleNan();
  if (are_present) return absl::OkStatus();
  part.begin = std::min(part.begin, run.payload_count());
  part.end = std::min(part.end, run.payload_count());
  if (part.size() == 0 && run.payload_count() > 0) return absl::OkStatus();
  if (DecodePart(run, part, absl::MakeSpan(values).subspan(before, part.size()))) {
    return absl::OkStatus();
  }
  values.resize(before);
  ts_ms.resize(times_before);
  return Malformed("bad values");
}

absl::Status BlockReader::Read(const BlockRun& run, std::vector<int64_t>& ts_ms,
                               std::vector<model::NativeHistogram>& values, const Wanted& wanted) {
  const size_t before = values.size();
  const size_t times_before = ts_ms.size();
  LL_ASSIGN_OR_RETURN(const RunPart part, ReadTimesOf(run, wanted, ts_ms));
  ByteReader reader(run.payload);
  DecodeHistograms(reader, run.count, part, kMaxChunkCells, values);
  if (reader.ok() && reader.AtEnd()) return absl::OkStatus();
  values.resize(before);
  ts_ms.resize(times_before);
  return Malformed("bad values");
}

bool BlockReader::ReadColumns(const BlockRun& run, const Wanted& wanted, JoinedColumns& joined) {
  const absl::StatusOr<RunPart> part = PartOf(run, wanted);
  if (!part.ok()) return false;
  return part->size() == 0 ||
         DecodeHistogramColumns(ByteReader(run.payload), run.count, *part, kMaxChunkCells, joined);
}

}  // namespace leadline::collector::store::codec
