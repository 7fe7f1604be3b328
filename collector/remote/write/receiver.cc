#include "collector/remote/write/receiver.h"

#include <utility>
#include <vector>

#include <fmt/format.h>

#include "collector/remote/wire/snappy.h"
#include "collector/remote/write/batch.h"
#include "collector/remote/write/limits.h"
#include "collector/remote/write/media_type.h"
#include "collector/remote/write/metric_type.h"
#include "collector/remote/write/parse_v1.h"
#include "collector/remote/write/parse_v2.h"
#include "collector/remote/write/series_cache.h"
#include "collector/remote/write/write_metrics.h"
#include "common/mutex.h"
#include "common/status_text.h"
#include "common/utf8.h"

namespace leadline::collector::remote::write {
namespace {

// What a store's refusal of a whole batch is to the sender.
int HttpStatusOf(const absl::Status& refusal) {
  return absl::IsInvalidArgument(refusal) ? 400 : 503;
}

// What a request needs while it is read, kept for the next one.
struct Scratch {
  wire::Buffer message;
  Request request;
  std::vector<store::SeriesHandle> handles;
  BatchBuilder builder;
};

class ScratchPool {
 public:
  std::unique_ptr<Scratch> Take() ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(mutex_);
    if (free_.empty()) return std::make_unique<Scratch>();
    auto scratch = std::move(free_.back());
    free_.pop_back();
    return scratch;
  }

  void Give(std::unique_ptr<Scratch> scratch) ABSL_LOCKS_EXCLUDED(mutex_) {
    if (scratch->message.capacity() > kMaxKeptBytes) return;
    scratch->request.Clear();
    MutexLock lock(mutex_);
    free_.push_back(std::move(scratch));
  }

 private:
  static constexpr size_t kMaxKeptBytes = 4 << 20;

  Mutex mutex_;
  std::vector<std::unique_ptr<Scratch>> free_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace

class Receiver::Impl {
 public:
  explicit Impl(const ReceiverOptions& options)
      : options_(options), metrics_(*options.registry), series_(kMaxCachedSeries) {}

  void Write(const http::Request& http, http::Respond respond) {
    const absl::StatusOr<Version> version = VersionOf(http);
    if (!version.ok()) {
      metrics_.CountFailure(Failure::kMediaType);
      return respond({.status = 415, .body = std::string(StatusMessage(version.status())) + "\n"});
    }
    Outcome outcome;
    std::unique_ptr<Scratch> scratch = pool_.Take();
    outcome.version = *version;
    if (absl::Status read = Read(http, *version, *scratch); !read.ok()) {
      const bool too_large = absl::IsResourceExhausted(read);
      metrics_.CountFailure(too_large ? Failure::kTooLarge : Failure::kMalformed);
      pool_.Give(std::move(scratch));
      return respond(outcome.Answer(too_large ? 413 : 400, StatusMessage(read)));
    }
    absl::Status resolved = Resolve(*scratch, outcome.rejections);
    if (!resolved.ok()) {
      metrics_.CountFailure(Failure::kMalformed);
      pool_.Give(std::move(scratch));
      return respond(outcome.Answer(400, StatusMessage(resolved)));
    }
    store::WriteBatch batch = scratch->builder.Build(
        scratch->request, scratch->handles, BoundsNow(), outcome.counts, outcome.rejections);
    pool_.Give(std::move(scratch));
    metrics_.CountRejections(outcome.rejections);
    if (batch.series.empty()) return respond(Finish(absl::OkStatus(), outcome));
    options_.store->Append(options_.tenant, std::move(batch),
                           [this, outcome = std::move(outcome), respond = std::move(respond)](
                               const absl::Status& status) { respond(Finish(status, outcome)); });
  }

 private:
  struct Outcome {
    Version version = Version::k1;
    BatchCounts counts;
    Rejections rejections;

    // In version 2 with what was written; nothing unless `written` says so.
    http::Response Answer(int status, std::string_view text, bool written = false) const {
      http::Response response{.status = status, .body = std::string(text)};
      if (!text.empty()) response.body += '\n';
      if (version == Version::k1) return response;
      const auto add = [&](std::string_view what, uint64_t count) {
        response.headers.emplace_back(fmt::format("X-Prometheus-Remote-Write-{}-Written", what),
                                      fmt::format("{}", written ? count : 0));
      };
      add("Samples", counts.samples);
      add("Histograms", counts.histograms);
      add("Exemplars", 0);  // they are not kept
      return response;
    }
  };

  absl::Status Read(const http::Request& http, Version version, Scratch& scratch) {
    if (absl::Status unpacked =
            wire::UncompressSnappy(http.body, kMaxRequestBytes, scratch.message);
        !unpacked.ok()) {
      return unpacked;
    }
    metrics_.CountRequest(http.body.size(), scratch.message.view().size());
    return version == Version::k1 ? ParseV1(scratch.message.view(), scratch.request)
                                  : ParseV2(scratch.message.view(), scratch.request);
  }

  // Handles for the request's series; kNoHandle for those that are rejected. INVALID_ARGUMENT where
  // a label is malformed, which is the whole request's error.
  absl::Status Resolve(Scratch& scratch, Rejections& rejections) {
    const std::vector<Series>& series = scratch.request.series;
    for (const Metadata& metadata : scratch.request.metadata) Keep(metadata);
    const size_t unknown = series_.Find(series, scratch.handles);
    if (unknown == 0) return absl::OkStatus();
    std::vector<size_t> numbers;  // of those with a definition
    std::vector<model::SeriesDefinition> definitions;
    for (size_t i = 0; i < series.size(); ++i) {
      if (scratch.handles[i] != kNoHandle || SamplesOf(scratch.request, i) == 0) continue;
      absl::StatusOr<RawLabels> labels = scratch.request.version == Version::k1
                                             ? ReadLabelsV1(series[i].labels)
                                             : ReadLabelsV2(scratch.request, series[i].labels);
      if (!labels.ok()) return labels.status();
      absl::StatusOr<model::SeriesDefinition> definition = ToDefinition(*std::move(labels));
      if (definition.ok()) {
        numbers.push_back(i);
        Describe(scratch.request, definition->metric, i);
        definitions.push_back(*std::move(definition));
      } else {
        rejections.Add(Reason::kLabels, SamplesOf(scratch.request, i),
                       StatusMessage(definition.status()));
      }
    }
    metrics_.CountNewSeries(definitions.size());
    const auto handles = options_.store->Resolve(options_.tenant, definitions);
    for (size_t i = 0; i < numbers.size(); ++i) {
      const size_t number = numbers[i];
      absl::StatusOr<store::SeriesHandle> handle =
          handles.ok() ? (*handles)[i] : ResolveOne(definitions[i]);
      if (!handle.ok()) {
        rejections.Add(Reason::kLimit, SamplesOf(scratch.request, number),
                       StatusMessage(handle.status()));
        continue;
      }
      scratch.handles[number] = *handle;
      series_.Add(series[number].key, *handle);
    }
    return absl::OkStatus();
  }

  // What version 2 says with a series that is new here.
  void Describe(Request& request, std::string_view metric, size_t number) {
    if (request.version != Version::k2) return;
    Series& series = request.series[number];
    const SeriesMetadata& metadata = series.metadata;
    if (metadata.type != MetricType::kUnknown || metadata.help != 0 || metadata.unit != 0) {
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

  void Keep(const Metadata& metadata) {
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

  // For when one of several cannot be had.
  absl::StatusOr<store::SeriesHandle> ResolveOne(const model::SeriesDefinition& definition) {
    auto handles = options_.store->Resolve(options_.tenant, {&definition, 1});
    if (!handles.ok()) return handles.status();
    return handles->front();
  }

  // Floats and histograms of a series of the request.
  static size_t SamplesOf(const Request& request, size_t series) {
    const Series& own = request.series[series];
    const Series before = series == 0 ? Series{} : request.series[series - 1];
    return own.samples_end - before.samples_end + own.histograms_end - before.histograms_end;
  }

  Bounds BoundsNow() const {
    const int64_t now_ms = options_.clock->NowUnixMs();
    const int64_t age_ms = absl::ToInt64Milliseconds(options_.max_age);
    return {.oldest_ms = age_ms > 0 ? std::max<int64_t>(now_ms - age_ms, 0) : 0,
            .newest_ms = now_ms + absl::ToInt64Milliseconds(kMaxAhead)};
  }

  // On the store's thread, or a handler's: waits for nothing.
  http::Response Finish(const absl::Status& status, const Outcome& outcome) {
    if (!status.ok()) {
      metrics_.CountFailure(Failure::kStore);
      // Some of the handles are not known any more. They are looked for anew when the request comes
      // again.
      if (absl::IsUnavailable(status)) series_.Clear();
      return outcome.Answer(HttpStatusOf(status), StatusMessage(status));
    }
    metrics_.CountTaken(outcome.counts);
    if (outcome.rejections.total() == 0) return outcome.Answer(204, "", /*written=*/true);
    return outcome.Answer(400, outcome.rejections.ToString(), /*written=*/true);
  }

  const ReceiverOptions options_;
  WriteMetrics metrics_;
  SeriesCache series_;
  ScratchPool pool_;
};

Receiver::Receiver(const ReceiverOptions& options) : impl_(std::make_unique<Impl>(options)) {}
Receiver::~Receiver() = default;

void Receiver::Write(const http::Request& request, http::Respond respond) {
  impl_->Write(request, std::move(respond));
}

void Receiver::AddRoutes(http::Router& router) {
  router.Add({.method = "POST",
              .pattern = "/api/v1/write",
              .about = {.summary = "Takes samples by Prometheus' remote write.",
                        .body = "application/x-protobuf",
                        .status = 204},
              .load = http::Load::kIntake,
              .deferred = [this](const http::Request& request,
                                 http::Respond respond) { Write(request, std::move(respond)); },
              .max_body_bytes = kMaxBodyBytes});
}

}  // namespace leadline::collector::remote::write
