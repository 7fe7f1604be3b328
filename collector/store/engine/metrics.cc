#include "collector/store/engine/metrics.h"

#include <string>

namespace leadline::collector::store::engine {
namespace {

using Labels = prometheus::Labels;

prometheus::Counter& AddCounter(prometheus::Registry& registry, const std::string& name,
                                const std::string& help, const Labels& labels = {}) {
  return prometheus::BuildCounter()
      .Name("leadline_collector_" + name)
      .Help(help)
      .Register(registry)
      .Add(labels);
}

prometheus::Gauge& AddGauge(prometheus::Registry& registry, const std::string& name,
                            const std::string& help) {
  return prometheus::BuildGauge()
      .Name("leadline_collector_" + name)
      .Help(help)
      .Register(registry)
      .Add({});
}

constexpr char kDuplicatesHelp[] =
    "Samples and batches that were there already, and samples that replaced another value.";
constexpr char kDroppedHelp[] =
    "Samples that were not taken in: older than retention, or of a series whose definition was "
    "lost with a damaged part of the log.";
constexpr char kQuarantinedHelp[] =
    "Files that were damaged or missing: windows and log segments, which were moved to quarantine, "
    "and manifests, in whose place their copy was used.";

}  // namespace

Metrics::Metrics(prometheus::Registry& registry)
    : log_fsyncs(AddCounter(registry, "log_fsyncs_total", "Commits of the log made durable.")),
      log_bytes(AddCounter(registry, "log_bytes_total", "Bytes committed to the log.")),
      log_errors(AddCounter(registry, "log_errors_total", "Commits of the log that failed.")),
      log_held_seconds(AddCounter(registry, "log_held_seconds_total",
                                  "Time that commits of the log waited for a flush, since samples "
                                  "took too much memory.")),
      log_torn_bytes(AddCounter(registry, "log_torn_bytes_total",
                                "Unacknowledged bytes cut from the end of the log at start.")),
      log_salvaged_frames(AddCounter(registry, "log_salvaged_frames_total",
                                     "Commits of the log recovered from behind damage.")),
      series(AddGauge(registry, "series", "Series known to the head.")),
      definition_bytes(AddGauge(registry, "head_definition_bytes",
                                "Memory that series and entities of the head take, estimated.")),
      series_released(AddCounter(registry, "series_released_total",
                                 "Series that the head forgot since their entity ended.")),
      series_refused(AddCounter(registry, "series_refused_total",
                                "New series that were refused because the head is full.")),
      samples_appended(AddCounter(registry, "samples_appended_total", "Samples taken in.")),
      samples_duplicate(
          AddCounter(registry, "duplicates_total", kDuplicatesHelp, {{"kind", "sample"}})),
      samples_replaced(
          AddCounter(registry, "duplicates_total", kDuplicatesHelp, {{"kind", "replaced"}})),
      samples_too_old(
          AddCounter(registry, "samples_dropped_total", kDroppedHelp, {{"reason", "too_old"}})),
      samples_undefined(
          AddCounter(registry, "samples_dropped_total", kDroppedHelp, {{"reason", "undefined"}})),
      batches_duplicate(
          AddCounter(registry, "duplicates_total", kDuplicatesHelp, {{"kind", "batch"}})),
      batches_rejected(
          AddCounter(registry, "batches_rejected_total", "Batches that were refused.")),
      recovery_seconds(AddGauge(registry, "recovery_seconds", "Time that the last start took.")),
      window_flushes(AddCounter(registry, "window_flushes_total", "Windows written by flushes.")),
      flush_errors(AddCounter(registry, "flush_errors_total", "Flushes that failed.")),
      windows_dropped(
          AddCounter(registry, "windows_dropped_total", "Windows dropped by retention.")),
      window_bytes(AddGauge(registry, "window_bytes", "What windows take of the disk.")),
      quarantined_segments(AddCounter(registry, "store_quarantined_total", kQuarantinedHelp,
                                      {{"kind", "log_segment"}})),
      quarantined_windows(
          AddCounter(registry, "store_quarantined_total", kQuarantinedHelp, {{"kind", "window"}})),
      quarantined_manifests(AddCounter(registry, "store_quarantined_total", kQuarantinedHelp,
                                       {{"kind", "manifest"}})),
      sequence_gaps(AddCounter(registry, "sequence_gaps_total",
                               "Batches whose sequence is not the next one of their writer.")),
      rollups_made(AddCounter(registry, "rollups_made_total",
                              "Four hours of a tenant of which rollups were made.")),
      rollup_samples(
          AddCounter(registry, "rollup_samples_total", "Samples that rollups were made of.")),
      rollup_errors(AddCounter(registry, "rollup_errors_total",
                               "Four hours of which rollups could not be made, each try.")),
      rollups_due(AddGauge(registry, "rollups_due",
                           "Four hours of a tenant of which rollups are to be made now.")),
      rollups_stale(AddGauge(registry, "rollups_stale",
                             "Rollups of four hours that are not used, since samples came late; "
                             "they are made again.")) {}

void Metrics::Count(const head::AppendCounts& counts) {
  samples_appended.Increment(static_cast<double>(counts.appended));
  samples_duplicate.Increment(static_cast<double>(counts.duplicates));
  samples_replaced.Increment(static_cast<double>(counts.replaced));
  samples_too_old.Increment(static_cast<double>(counts.too_old));
}

}  // namespace leadline::collector::store::engine
