#include "collector/remote/write/intake.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "collector/remote/write/limits.h"
#include "collector/remote/write/metric_type.h"
#include "collector/remote/write/parse_v1.h"
#include "collector/remote/write/parse_v2.h"
#include "common/status_macros.h"
#include "common/status_text.h"
#include "common/utf8.h"

namespace leadline::collector::remote::write {
namespace {

// Floats and histograms of a series of the request.
size_t SamplesOf(const Request& request, size_t number) {
  const Series& own = request.series[number];
  size_t samples = own.samples_end + size_t{own.histograms_end};
  if (number > 0) {
    const Series& before = request.series[number - 1];
    samples -= before.samples_end + size_t{before.histograms_end};
  }
  return samples;
}

absl::StatusOr<RawLabels> ReadLabels(const Request& request, size_t number) {
  const std::string_view labels = request.series[number].labels;
  if (request.version == Version::k1) return ReadLabelsV1(labels);
  return ReadLabelsV2(request, labels);
}

}  // namespace

Intake::Intake(const IntakeOptions& options, const char* protocol)
    : options_(options), metrics_(*options.registry, protocol), series_(kMaxCachedSeries) {}

absl::StatusOr<Intake::Prepared> Intake::Prepare(Request& request, Work& work) {
  Prepared prepared;
  for (const Metadata& metadata : request.metadata) Keep(metadata);
  LL_RETURN_IF_ERROR(Resolve(request, work, prepared.rejections));
  prepared.batch =
      work.builder.Build(request, work.handles, BoundsNow(), prepared.counts, prepared.rejections);
  return prepared;
}

absl::Status Intake::Resolve(Request& request, Work& work, Rejections& rejections) {
  const std::vector<Series>& series = request.series;
  const size_t unknown = series_.Find(series, work.handles);
  if (unknown == 0) return absl::OkStatus();
  std::vector<size_t> numbers;  // of those with a definition
  std::vector<model::SeriesDefinition> definitions;
  for (size_t i = 0; i < series.size(); ++i) {
    if (work.handles[i] != kNoHandle || SamplesOf(request, i) == 0) continue;
    absl::StatusOr<RawLabels> labels = ReadLabels(request, i);
    if (!labels.ok()) return labels.status();
    absl::StatusOr<model::SeriesDefinition> definition = ToDefinition(*std::move(labels));
    if (definition.ok()) {
      numbers.push_back(i);
      Describe(request, definition->metric, i);
      definitions.push_back(*std::move(definition));
    } else {
      rejections.Add(Reason::kLabels, SamplesOf(request, i), StatusMessage(definition.status()));
    }
  }
  metrics_.CountNewSeries(definitions.size());
  const auto handles = options_.store->Resolve(options_.tenant, definitions);
  for (size_t i = 0; i < numbers.size(); ++i) {
    const size_t number = numbers[i];
    absl::StatusOr<store::SeriesHandle> handle =
        handles.ok() ? (*handles)[i] : ResolveOne(definitions[i]);
    if (!handle.ok()) {
      rejections.Add(Reason::kLimit, SamplesOf(request, number), StatusMessage(handle.status()));
      continue;
    }
    work.handles[number] = *handle;
    series_.Add(series[number].key, *handle);
  }
  return absl::OkStatus();
}

// For when one of several cannot be had.
absl::StatusOr<store::SeriesHandle> Intake::ResolveOne(const model::SeriesDefinition& definition) {
  auto handles = options_.store->Resolve(options_.tenant, {&definition, 1});
  if (!handles.ok()) return handles.status();
  return handles->front();
}

// What a request says with a series that is new here.
void Intake::Describe(Request& request, std::string_view metric, size_t number) {
  Series& series = request.series[number];
  const SeriesMetadata& metadata = series.metadata;
  if (request.version == Version::k2 &&
      (metadata.type != MetricType::kUnknown || metadata.help != 0 || metadata.unit != 0)) {
    Keep({.metric = FamilyOf(metric, metadata.type),
          .type = metadata.type,
          .help = request.symbols[metadata.help],
          .unit = request.symbols[metadata.unit]});
  }
  const size_t first = number == 0 ? 0 : request.series[number - 1].samples_end;
  if (!IsCumulative(metric, metadata.type) || first == series.samples_end) return;
  const int64_t before_ms = request.samples[first].ts_ms - series.created_ms;
  if (series.created_ms > 0 && before_ms > 0 &&
      before_ms <= absl::ToInt64Milliseconds(kMaxCreatedBefore)) {
    series.zero_ms = series.created_ms;
  }
}

void Intake::Keep(const Metadata& metadata) {
  if (options_.metadata == nullptr) return;
  const bool valid = IsValidUtf8(metadata.metric) && IsValidUtf8(metadata.help) &&
                     IsValidUtf8(metadata.unit) && !metadata.metric.empty();
  if (!valid || !options_.metadata->Set(options_.tenant, metadata.metric,
                                        {.type = TypeName(metadata.type),
                                         .help = std::string(metadata.help),
                                         .unit = std::string(metadata.unit)})) {
    metrics_.CountDroppedMetadata();
  }
}

Bounds Intake::BoundsNow() const {
  const int64_t now_ms = options_.clock->NowUnixMs();
  const int64_t age_ms = absl::ToInt64Milliseconds(options_.max_age);
  return {.oldest_ms = age_ms > 0 ? std::max<int64_t>(now_ms - age_ms, 0) : 0,
          .newest_ms = now_ms + absl::ToInt64Milliseconds(kMaxAhead)};
}

void Intake::Append(Prepared prepared, Done done) {
  metrics_.CountRejections(prepared.rejections);
  const auto finish = [this, counts = prepared.counts, rejections = std::move(prepared.rejections),
                       done = std::move(done)](const absl::Status& status) {
    if (status.ok()) {
      metrics_.CountTaken(counts);
    } else {
      metrics_.CountFailure(Failure::kStore);
      // Some of the handles are not known any more. They are looked for anew when the request comes
      // again.
      if (absl::IsUnavailable(status)) series_.Clear();
    }
    done(status, counts, rejections);
  };
  if (prepared.batch.series.empty()) return finish(absl::OkStatus());
  options_.store->Append(options_.tenant, std::move(prepared.batch), finish);
}

}  // namespace leadline::collector::remote::write
