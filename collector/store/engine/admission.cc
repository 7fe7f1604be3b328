#include "collector/store/engine/admission.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "collector/store/chunk/window_time.h"
#include "collector/store/engine/batch_filter.h"

namespace leadline::collector::store::engine {
namespace {

constexpr size_t kMaxNameInText = 300;

std::string Shortened(std::string text) {
  if (text.size() > kMaxNameInText) text = text.substr(0, kMaxNameInText) + "…";
  return text;
}

std::string NameInText(const model::SeriesDefinition& series) {
  return Shortened(series.metric + (series.residual.empty() ? "" : series.residual.ToString()));
}

struct OverLimit {
  RefusedFor reason;
  std::string text;
};

// What of the definition is over the tenant's limits.
std::optional<OverLimit> FindOverLimit(const Tenant& tenant,
                                       const model::SeriesDefinition& series) {
  const TenantLimits& limits = tenant.limits();
  const auto over = [&](RefusedFor reason, std::string_view what, size_t value,
                        uint64_t TenantLimits::*limit, std::string_view unit) {
    return OverLimit{reason, fmt::format("{} of {} has {} {}; the limit {} of tenant {} is {}",
                                         what, NameInText(series), value, unit, LimitName(limit),
                                         tenant.name(), limits.*limit)};
  };
  if (series.metric.empty() || series.metric.size() > limits.max_metric_bytes) {
    return over(RefusedFor::kMetricName, "the metric's name", series.metric.size(),
                &TenantLimits::max_metric_bytes, "bytes");
  }
  if (series.residual.size() > limits.max_labels) {
    return over(RefusedFor::kLabels, "a series", series.residual.size(), &TenantLimits::max_labels,
                "labels");
  }
  for (const Label& label : series.residual) {
    if (label.name.empty() || label.name.size() > limits.max_label_name_bytes) {
      return over(RefusedFor::kLabelName, "a label's name", label.name.size(),
                  &TenantLimits::max_label_name_bytes, "bytes");
    }
    if (label.value.size() > limits.max_label_value_bytes) {
      return over(RefusedFor::kLabelValue,
                  fmt::format("the value of label {}", Shortened(label.name)), label.value.size(),
                  &TenantLimits::max_label_value_bytes, "bytes");
    }
  }
  return std::nullopt;
}

uint64_t CountSamples(const WriteBatch& batch) {
  uint64_t count = 0;
  for (const FloatFrame& frame : batch.floats) count += frame.series.size();
  for (const HistogramFrame& frame : batch.histograms) count += frame.series.size();
  return count;
}

}  // namespace

std::vector<SeriesHandle> Admission::ResolveEach(std::string_view tenant_name,
                                                 absl::Span<const model::SeriesDefinition> series,
                                                 Refusals& refusals) {
  Tenant& tenant = tenants_.Get(tenant_name);
  const uint64_t limit = tenant.limits().max_series;
  const uint64_t count = head_.series_count(tenant_name);
  const uint64_t room = limit == 0 ? UINT64_MAX : limit - std::min(limit, count);
  const uint64_t may_begin = tenant.TakeNewSeries(std::min<uint64_t>(series.size(), room));
  const bool all_are_right = std::none_of(series.begin(), series.end(), [&](const auto& one) {
    return FindOverLimit(tenant, one).has_value();
  });
  std::vector<SeriesHandle> handles;
  if (all_are_right && may_begin == series.size()) {
    size_t begun = 0;
    handles = head_.Resolve(tenant_name, series, &begun);
    tenant.GiveBackNewSeries(may_begin - begun);
  } else {
    ResolveOneByOne(tenant, series, count, may_begin, refusals, handles);
    tenant.Count(refusals);
  }
  tenant.SetSeries(head_.series_count(tenant_name));
  return handles;
}

void Admission::ResolveOneByOne(Tenant& tenant, absl::Span<const model::SeriesDefinition> series,
                                uint64_t series_count, uint64_t may_begin, Refusals& refusals,
                                std::vector<SeriesHandle>& handles) {
  const TenantLimits& limits = tenant.limits();
  const uint64_t room = limits.max_series == 0
                            ? UINT64_MAX
                            : limits.max_series - std::min(limits.max_series, series_count);
  handles.reserve(series.size());
  uint64_t begun = 0;
  for (const model::SeriesDefinition& one : series) {
    handles.push_back(kNoSeries);
    if (auto over = FindOverLimit(tenant, one)) {
      refusals.Count(over->reason, 1, [&] { return std::move(over->text); });
      continue;
    }
    if (begun == may_begin && !head_.Has(tenant.name(), one)) {
      if (begun == room) {
        refusals.Count(RefusedFor::kMaxSeries, 1, [&] {
          return fmt::format("{} is new; tenant {} has {} series, its limit {} is {}",
                             NameInText(one), tenant.name(), series_count + begun,
                             LimitName(&TenantLimits::max_series), limits.max_series);
        });
      } else {
        refusals.Count(RefusedFor::kNewSeriesRate, 1, [&] {
          return fmt::format(
              "{} is new; tenant {} has begun as many series as it may in a minute, its limit {} "
              "is {}",
              NameInText(one), tenant.name(), LimitName(&TenantLimits::max_new_series_a_minute),
              limits.max_new_series_a_minute);
        });
      }
      continue;
    }
    size_t is_new = 0;
    handles.back() = head_.Resolve(tenant.name(), {&one, 1}, &is_new).front();
    begun = std::min<uint64_t>(begun + is_new, may_begin);
  }
  tenant.GiveBackNewSeries(may_begin - begun);
  if (const uint64_t again = refusals.count(RefusedFor::kNewSeriesRate); again > 0) {
    refusals.MayComeAgainAfter(tenant.UntilNewSeries(again));
  }
}

std::string Admission::NameOf(std::string_view tenant, SeriesHandle handle) const {
  const index::DefinitionPtr series = handle == kNoSeries ? nullptr : head_.Find(tenant, handle);
  return series == nullptr ? "a series" : NameInText(series->ToModel());
}

void Admission::DropFrames(const Tenant& tenant, const Times& times, WriteBatch& batch,
                           Refusals& refusals) const {
  const auto is_refused = [&](const auto& frame) {
    const auto refuse = [&](RefusedFor reason, auto text) {
      refusals.Count(reason, frame.series.size(), [&] {
        return fmt::format("{} at {} ms {}", NameOf(tenant.name(), batch.series[frame.series[0]]),
                           frame.ts_ms, text());
      });
      return true;
    };
    if (frame.ts_ms > times.furthest_ms) {
      return refuse(RefusedFor::kTooFarAhead, [&] {
        return fmt::format("is {} ms ahead of the clock; the limit max-ahead is {} ms",
                           frame.ts_ms - times.now_ms, options_.max_ahead_ms);
      });
    }
    if (frame.ts_ms < chunk::kMinTimestampMs) {
      return refuse(RefusedFor::kTooOld, [] { return "is before 1970, of which nothing is kept"; });
    }
    if (frame.ts_ms < times.oldest_ms) {
      return refuse(RefusedFor::kTooOld, [&] {
        return fmt::format("is older than what is kept (retention), which begins at {} ms",
                           times.oldest_ms);
      });
    }
    if (frame.ts_ms < times.latest_ms) {
      return refuse(RefusedFor::kTooLate, [&] {
        return fmt::format("is {} ms late; the limit max-late is {} ms", times.now_ms - frame.ts_ms,
                           options_.max_late_ms);
      });
    }
    return false;
  };
  std::erase_if(batch.floats, is_refused);
  std::erase_if(batch.histograms, is_refused);
}

Admission::Times Admission::TimesNow(Source source) const {
  const int64_t now_ms = clock_.NowUnixMs();
  Times times{.now_ms = now_ms,
              .oldest_ms = std::max(options_.oldest_ms(), chunk::kMinTimestampMs),
              .latest_ms = chunk::kBeforeAllTime,
              .furthest_ms = std::min(now_ms + options_.max_ahead_ms, chunk::kMaxTimestampMs)};
  if (source == Source::kOther && options_.max_late_ms > 0) {
    times.latest_ms = now_ms - options_.max_late_ms;
  }
  return times;
}

TimeRange Admission::AdmittedTimes(Source source) const {
  const Times times = TimesNow(source);
  return {.oldest_ms = std::max(times.oldest_ms, times.latest_ms), .newest_ms = times.furthest_ms};
}

absl::Status Admission::Admit(std::string_view tenant_name, Source source, WriteBatch& batch,
                              Refusals& refusals) {
  Tenant& tenant = tenants_.Get(tenant_name);
  const uint64_t count = CountSamples(batch);
  const uint64_t with_records = count + batch.records.size();
  if (const absl::Duration wait = tenant.TakeSamples(with_records); wait > absl::ZeroDuration()) {
    Refusals over;
    over.Count(RefusedFor::kSampleRate, with_records, [&] {
      return fmt::format(
          "tenant {} has written more samples than it may in a second, its limit {} is {}",
          tenant.name(), LimitName(&TenantLimits::max_samples_a_second),
          tenant.limits().max_samples_a_second);
    });
    tenant.Count(over);
    refusals.MayComeAgainAfter(wait);
    return over.ToStatus();
  }
  Refusals refused;
  DropFrames(tenant, TimesNow(source), batch, refused);
  if (std::find(batch.series.begin(), batch.series.end(), kNoSeries) != batch.series.end()) {
    std::vector<bool> kept;
    for (const SeriesHandle handle : batch.series) kept.push_back(handle != kNoSeries);
    refused.Count(RefusedFor::kOfNoSeries, KeepSeries(kept, batch),
                  [] { return "its series was refused"; });
  }
  tenant.Count(refused);
  tenant.CountSamples(count - refused.samples());
  refusals.Add(refused);
  return absl::OkStatus();
}

}  // namespace leadline::collector::store::engine
