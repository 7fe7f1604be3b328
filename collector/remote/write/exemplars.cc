#include "collector/remote/write/exemplars.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "collector/model/exemplar.h"
#include "collector/remote/write/read_labels.h"
#include "collector/store/record/exemplars.h"
#include "common/utf8.h"

namespace leadline::collector::remote::write {
namespace {

// Labels with an empty value are none.
std::variant<LabelSet, DroppedExemplar> ToLabels(const Request& request, std::string_view bytes) {
  const absl::StatusOr<RawLabels> raw = ReadLabels(request, bytes);
  if (!raw.ok()) return DroppedExemplar::kLabels;
  std::vector<Label> labels;
  size_t characters = 0;
  for (const auto& [name, value] : *raw) {
    if (name.empty() || !IsValidUtf8(name) || !IsValidUtf8(value)) return DroppedExemplar::kLabels;
    if (value.empty()) continue;
    characters += CountCharacters(name) + CountCharacters(value);
    if (characters > model::kMaxExemplarCharacters) return DroppedExemplar::kLength;
    labels.push_back({std::string(name), std::string(value)});
  }
  const size_t all = labels.size();
  LabelSet set(std::move(labels));
  if (set.size() < all) return DroppedExemplar::kLabels;  // one is named twice
  return set;
}

// The parts of a series: what is between the previous series' end and its own.
struct Part {
  size_t begin = 0;
  size_t end = 0;
};
Part PartOf(const Request& request, size_t number, uint32_t Series::*end) {
  return {number == 0 ? 0 : request.series[number - 1].*end, request.series[number].*end};
}

// The time of a series' newest sample in the request; 0 where it has none.
int64_t NewestMs(const Request& request, size_t number) {
  int64_t newest_ms = 0;
  const Part samples = PartOf(request, number, &Series::samples_end);
  for (size_t i = samples.begin; i < samples.end; ++i) {
    newest_ms = std::max(newest_ms, request.samples[i].ts_ms);
  }
  const Part histograms = PartOf(request, number, &Series::histograms_end);
  for (size_t i = histograms.begin; i < histograms.end; ++i) {
    newest_ms = std::max(newest_ms, request.histograms[i].ts_ms);
  }
  return newest_ms;
}

// What the store calls the series; nothing where it has, or gets, none. Senders put exemplars into
// series of their own, without samples, so that it may well have no handle here.
std::optional<Id128> IdOf(const Request& request, size_t number, store::SeriesHandle handle) {
  if (request.series[number].no_series) return std::nullopt;
  const Part samples = PartOf(request, number, &Series::samples_end);
  const Part histograms = PartOf(request, number, &Series::histograms_end);
  const bool has_samples = samples.begin < samples.end || histograms.begin < histograms.end;
  if (has_samples && handle == kNoHandle) return std::nullopt;
  absl::StatusOr<RawLabels> labels = ReadLabels(request, number);
  if (!labels.ok()) return std::nullopt;
  const absl::StatusOr<model::SeriesDefinition> series = ToDefinition(*std::move(labels));
  if (!series.ok()) return std::nullopt;
  return store::record::ExemplarSeriesId(*series);
}

}  // namespace

void AddExemplars(const Request& request, absl::Span<const store::SeriesHandle> handles,
                  const store::TimeRange& times, store::WriteBatch& batch, ExemplarCounts& counts) {
  for (size_t number = 0; number < request.series.size(); ++number) {
    const Part exemplars = PartOf(request, number, &Series::exemplars_end);
    if (exemplars.begin == exemplars.end) continue;
    const std::optional<Id128> series = IdOf(request, number, handles[number]);
    if (!series.has_value()) {
      counts.Drop(DroppedExemplar::kSeries, exemplars.end - exemplars.begin);
      continue;
    }
    const int64_t newest_ms = NewestMs(request, number);
    for (size_t i = exemplars.begin; i < exemplars.end; ++i) {
      const Exemplar& exemplar = request.exemplars[i];
      const int64_t ts_ms = exemplar.ts_ms != 0 ? exemplar.ts_ms : newest_ms;
      auto labels = ToLabels(request, exemplar.labels);
      if (const auto* why = std::get_if<DroppedExemplar>(&labels)) {
        counts.Drop(*why);
      } else if (!times.Contains(ts_ms)) {
        counts.Drop(ts_ms < times.oldest_ms ? DroppedExemplar::kTooOld : DroppedExemplar::kTooNew);
      } else {
        batch.records.push_back(store::record::OfExemplar(
            *series, {std::get<LabelSet>(std::move(labels)), exemplar.value, ts_ms}));
        ++counts.kept;
      }
    }
  }
}

}  // namespace leadline::collector::remote::write
