#include "collector/remote/write/intake.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "collector/remote/write/limits.h"
#include "collector/remote/write/metric_type.h"
#include "collector/remote/write/read_labels.h"
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

bool IsEmpty(const store::WriteBatch& batch) {
  return batch.series.empty() && batch.records.empty();
}

}  // namespace

std::string RetryAfterSeconds(absl::Duration retry_after) {
  return std::to_string(absl::ToInt64Seconds(absl::Ceil(retry_after, absl::Seconds(1))));
}

Intake::Intake(const IntakeOptions& options, const char* protocol)
    : options_(options),
      metrics_(*options.registry, protocol),
      series_(kMaxCachedSeries),
      starts_(kMaxCachedSeries) {}

absl::StatusOr<Intake::Prepared> Intake::Prepare(Request& request, Work& work) {
  Prepared prepared;
  Outcome& outcome = prepared.outcome;
  for (const Metadata& metadata : request.metadata) Keep(metadata);
  LL_RETURN_IF_ERROR(Resolve(request, work, outcome));
  prepared.seen = starts_.Look(request, work.handles);
  prepared.batch = work.builder.Build(request, work.handles,
                                      options_.store->AdmittedTimes(store::Source::kOther),
                                      outcome.counts, outcome.rejections);
  Admit(request, prepared);
  return prepared;
}

void Intake::Admit(Request& request, Prepared& prepared) {
  if (IsEmpty(prepared.batch)) return;
  Outcome& outcome = prepared.outcome;
  store::Refusals refused;
  outcome.status =
      options_.store->Admit(options_.tenant, store::Source::kOther, prepared.batch, refused);
  outcome.retry_after = std::max(outcome.retry_after, refused.retry_after());
  if (refused.empty()) return;
  outcome.rejections.AddSamples(refused);
  BatchBuilder::LookAgain(prepared.batch, request, outcome.counts);
}

absl::Status Intake::Resolve(Request& request, Work& work, Outcome& outcome) {
  const size_t unknown = series_.Find(request.series, work.handles);
  if (unknown == 0) return absl::OkStatus();
  std::vector<size_t> numbers;   // of those with a definition
  std::vector<size_t> counters;  // of those that say since when they count
  std::vector<model::SeriesDefinition> definitions;
  for (size_t i = 0; i < request.series.size(); ++i) {
    if (work.handles[i] != kNoHandle || SamplesOf(request, i) == 0) continue;
    absl::StatusOr<RawLabels> labels = ReadLabels(request, i);
    if (!labels.ok()) return labels.status();
    absl::StatusOr<model::SeriesDefinition> definition = ToDefinition(*std::move(labels));
    if (definition.ok()) {
      numbers.push_back(i);
      if (Describe(request, definition->metric, i)) counters.push_back(i);
      definitions.push_back(*std::move(definition));
    } else {
      request.series[i].no_series = true;
      request.series[i].rejected = true;
      outcome.rejections.Add(Reason::kLabels, SamplesOf(request, i),
                             StatusMessage(definition.status()));
    }
  }
  metrics_.CountNewSeries(definitions.size());
  if (!definitions.empty()) ResolveNew(numbers, counters, definitions, request, work, outcome);
  return absl::OkStatus();
}

void Intake::ResolveNew(absl::Span<const size_t> numbers, absl::Span<const size_t> counters,
                        absl::Span<const model::SeriesDefinition> definitions, Request& request,
                        Work& work, Outcome& outcome) {
  store::Refusals refused;
  const auto handles = options_.store->ResolveEach(options_.tenant, definitions, refused);
  size_t samples = 0;  // of those that are refused
  for (size_t i = 0; i < numbers.size(); ++i) {
    const size_t number = numbers[i];
    const absl::StatusOr<store::SeriesHandle> handle =
        handles.ok() ? (*handles)[i] : ResolveOne(definitions[i], refused);
    if (handle.ok() && *handle != kNoHandle) {
      work.handles[number] = *handle;
      continue;
    }
    request.series[number].rejected = true;
    if (handle.ok()) {
      samples += SamplesOf(request, number);
    } else {
      outcome.rejections.Add(Reason::kLimit, SamplesOf(request, number),
                             StatusMessage(handle.status()));
    }
  }
  series_.Add(request.series, numbers, work.handles);
  for (const size_t number : counters) {
    if (work.handles[number] != kNoHandle) starts_.Add(work.handles[number]);
  }
  outcome.rejections.AddSeries(samples, refused);
  outcome.retry_after = refused.retry_after();
}

// For when the store has no memory for new ones: those that are known go on.
absl::StatusOr<store::SeriesHandle> Intake::ResolveOne(const model::SeriesDefinition& definition,
                                                       store::Refusals& refused) {
  store::Refusals of_this;
  auto handles = options_.store->ResolveEach(options_.tenant, {&definition, 1}, of_this);
  refused.Add(of_this);
  if (!handles.ok()) return handles.status();
  return handles->front();
}

// What a request says with a series that is new here.
bool Intake::Describe(Request& request, std::string_view metric, size_t number) {
  const Series& series = request.series[number];
  const SeriesMetadata& metadata = series.metadata;
  if (request.version == Version::k2 &&
      (metadata.type != MetricType::kUnknown || metadata.help != 0 || metadata.unit != 0)) {
    Keep({.metric = FamilyOf(metric, metadata.type),
          .type = metadata.type,
          .help = request.symbols[metadata.help],
          .unit = request.symbols[metadata.unit]});
  }
  if (series.created_ms == 0) return false;
  const size_t first = number == 0 ? 0 : request.series[number - 1].histograms_end;
  const bool has_histograms = first != series.histograms_end;
  return IsCumulative(metric, metadata.type) ||
         (has_histograms && metadata.type != MetricType::kGaugeHistogram);
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

void Intake::Append(Prepared prepared, Done done) {
  Outcome& prepared_outcome = prepared.outcome;
  if (!prepared_outcome.status.ok()) {
    const bool over_rate = prepared_outcome.retry_after > absl::ZeroDuration();
    metrics_.CountFailure(over_rate ? Failure::kRate : Failure::kStore);
    return done(prepared_outcome);
  }
  auto finish = [this, outcome = std::move(prepared_outcome), seen = std::move(prepared.seen),
                 done = std::move(done)](const absl::Status& status) mutable {
    if (status.ok()) {
      metrics_.CountTaken(outcome.counts);
      metrics_.CountRejections(outcome.rejections);
      starts_.Keep(seen);
    } else {
      metrics_.CountFailure(Failure::kStore);
      outcome.status = status;
      outcome.retry_after = absl::ZeroDuration();
      // Some of the handles are not known any more. They are looked for anew when the request comes
      // again.
      if (absl::IsUnavailable(status)) {
        series_.Clear();
        starts_.Clear();
      }
    }
    done(outcome);
  };
  if (IsEmpty(prepared.batch)) return finish(absl::OkStatus());
  options_.store->Append(options_.tenant, std::move(prepared.batch), std::move(finish));
}

}  // namespace leadline::collector::remote::write
