#include "tests/promql/stored_series.h"

#include <algorithm>
#include <future>
#include <map>
#include <thread>
#include <utility>

#include "collector/store/engine/open.h"
#include "common/labels.h"
#include "common/status_macros.h"

namespace leadline::collector::promqltest {
namespace {

constexpr char kTenant[] = "default";
constexpr int kSlices = 8;

}  // namespace

absl::StatusOr<std::unique_ptr<StoredSeries>> StoredSeries::Make(
    Kept kept, const std::vector<store::SeriesBlock>& series) {
  int64_t first_ms = INT64_MAX;
  int64_t last_ms = INT64_MIN;
  for (const store::SeriesBlock& block : series) {
    if (block.ts_ms.empty()) continue;
    first_ms = std::min(first_ms, block.ts_ms.front());
    last_ms = std::max(last_ms, block.ts_ms.back());
  }
  std::unique_ptr<StoredSeries> stored(new StoredSeries());
  LL_RETURN_IF_ERROR(stored->Open(kept, last_ms));
  LL_RETURN_IF_ERROR(stored->Resolve(series));
  LL_RETURN_IF_ERROR(stored->Fill(kept, series, first_ms, last_ms));
  return stored;
}

absl::Status StoredSeries::Open(Kept kept, int64_t now_ms) {
  clock_.StepMs(now_ms);
  store::engine::StoreOptions options;
  options.dir = dir_.File("data");
  options.clock = &clock_;
  options.registry = &registry_;
  options.maintenance_interval = absl::Hours(1);
  if (kept == Kept::kInPieces) {
    options.maintenance_interval = absl::Milliseconds(1);
    options.flush_log_bytes = 1;
  }
  LL_ASSIGN_OR_RETURN(store_, store::engine::OpenStore(options));
  return absl::OkStatus();
}

absl::Status StoredSeries::Resolve(const std::vector<store::SeriesBlock>& series) {
  std::vector<model::SeriesDefinition> definitions;
  for (const store::SeriesBlock& block : series) {
    model::SeriesDefinition& definition = definitions.emplace_back();
    definition.metric = block.labels->Get(kMetricName);
    definition.residual = *block.labels;
    definition.residual.Remove(kMetricName);
  }
  LL_ASSIGN_OR_RETURN(handles_, store_->Resolve(kTenant, definitions));
  return absl::OkStatus();
}

absl::Status StoredSeries::Append(const std::vector<store::SeriesBlock>& series,
                                  const Which& which) {
  std::map<int64_t, store::FloatFrame> frames;
  for (size_t i = 0; i < series.size(); ++i) {
    for (size_t number = 0; number < series[i].ts_ms.size(); ++number) {
      const int64_t ts_ms = series[i].ts_ms[number];
      if (!which(number, ts_ms)) continue;
      store::FloatFrame& frame = frames[ts_ms];
      frame.ts_ms = ts_ms;
      frame.series.push_back(static_cast<uint32_t>(i));
      frame.values.push_back(series[i].values[number]);
    }
  }
  store::WriteBatch batch;
  batch.series = handles_;
  for (auto& [ts_ms, frame] : frames) batch.floats.push_back(std::move(frame));
  std::promise<absl::Status> durable;
  store_->Append(kTenant, std::move(batch),
                 [&](absl::Status status) { durable.set_value(std::move(status)); });
  return durable.get_future().get();
}

absl::Status StoredSeries::Fill(Kept kept, const std::vector<store::SeriesBlock>& series,
                                int64_t first_ms, int64_t last_ms) {
  switch (kept) {
    case Kept::kInHead:
      return Append(series, [](size_t, int64_t) { return true; });
    case Kept::kInWindows:
      LL_RETURN_IF_ERROR(Append(series, [](size_t, int64_t) { return true; }));
      return store_->Flush();
    case Kept::kInBoth: {
      const int64_t border_ms = first_ms + (last_ms - first_ms) / 4 * 3;
      const auto is_flushed = [border_ms](size_t number, int64_t ts_ms) {
        return ts_ms < border_ms && number % 3 != 2;
      };
      LL_RETURN_IF_ERROR(Append(series, is_flushed));
      LL_RETURN_IF_ERROR(store_->Flush());
      return Append(series,
                    [&](size_t number, int64_t ts_ms) { return !is_flushed(number, ts_ms); });
    }
    case Kept::kInPieces:
      for (int slice = 0; slice < kSlices; ++slice) {
        const double flushes = Flushes();
        LL_RETURN_IF_ERROR(Append(series, [&](size_t, int64_t ts_ms) {
          return (ts_ms - first_ms) * kSlices / (last_ms - first_ms + 1) == slice;
        }));
        while (Flushes() == flushes) std::this_thread::yield();
      }
      return absl::OkStatus();
  }
  return absl::InternalError("no way to keep samples");
}

double StoredSeries::Flushes() const {
  for (const auto& family : registry_.Collect()) {
    if (family.name != "leadline_collector_window_flushes_total") continue;
    return family.metric.front().counter.value;
  }
  return 0;
}

}  // namespace leadline::collector::promqltest
