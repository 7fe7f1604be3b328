#include "collector/store/window/group_writer.h"

#include <vector>

#include "absl/types/span.h"

#include "common/status_macros.h"

namespace leadline::collector::store::window {
namespace {

// Long enough that what a run takes besides its samples does not count, short enough that reading
// an hour does not decode much more.
constexpr size_t kRunSamples = 2048;
static_assert(kRunSamples <= codec::kMaxChunkSamples);

size_t BucketsOf(double) { return 0; }
size_t BucketsOf(const model::NativeHistogram& value) { return chunk::BucketCount(value); }

}  // namespace

template <typename Value>
void GroupWriter::AddRuns(size_t place, const chunk::Samples<Value>& samples) {
  const auto ts_ms = absl::MakeConstSpan(samples.ts_ms);
  const auto values = absl::MakeConstSpan(samples.values);
  for (size_t begin = 0; begin < samples.size();) {
    const auto part = static_cast<size_t>((ts_ms[begin] - start_ms_) / part_ms_);
    const int64_t part_end_ms = start_ms_ + static_cast<int64_t>(part + 1) * part_ms_;
    size_t buckets = BucketsOf(values[begin]);
    size_t end = begin + 1;
    for (; end < samples.size() && end - begin < kRunSamples && ts_ms[end] < part_end_ms; ++end) {
      buckets += BucketsOf(values[end]);
      if (chunk::HistogramRunIsFull(end - begin, buckets)) break;
    }
    parts_[part].Add(place, ts_ms.subspan(begin, end - begin), values.subspan(begin, end - begin));
    begin = end;
  }
}

void GroupWriter::Add(size_t place, const chunk::MergedSamples& samples) {
  AddRuns(place, samples.floats);
  AddRuns(place, samples.histograms);
}

absl::Status GroupWriter::AddAsItIs(codec::BlockReader& reader, const codec::BlockRun& run) {
  std::vector<int64_t> ts_ms;
  LL_RETURN_IF_ERROR(reader.ReadTimes(run, ts_ms));
  const auto part = static_cast<size_t>((run.first_ms - start_ms_) / part_ms_);
  parts_[part].AddEncoded(run, ts_ms);
  return absl::OkStatus();
}

void GroupWriter::Finish(absl::FunctionRef<void(uint8_t part, const std::string& block)> put) {
  for (size_t part = 0; part < parts_.size(); ++part) {
    if (!parts_[part].empty()) put(static_cast<uint8_t>(part), parts_[part].Finish());
  }
}

}  // namespace leadline::collector::store::window
