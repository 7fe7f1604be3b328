#include "collector/store/engine/rollup_spans.h"

#include <algorithm>

namespace leadline::collector::store::engine {
namespace {

// The zone goes on where the last one ends.
void Append(Zone zone, std::vector<Zone>& zones) {
  if (zone.first_ms > zone.last_ms) return;
  if (!zones.empty() && zones.back().source == zone.source &&
      zones.back().last_ms + 1 == zone.first_ms) {
    zones.back().last_ms = zone.last_ms;
  } else {
    zones.push_back(zone);
  }
}

// [first, last] of the source, where it is of rollups the whole buckets, and samples at its ends.
void AppendWhole(const Zone& zone, std::vector<Zone>& zones,
                 int64_t samples_from_ms = chunk::kBeforeAllTime) {
  if (!IsRollup(zone.source)) return Append(zone, zones);
  const int64_t resolution_ms = ResolutionMs(zone.source);
  int64_t after_ms = rollup::BucketEnd(zone.first_ms - 1, resolution_ms);
  const int64_t up_to_ms = zone.last_ms / resolution_ms * resolution_ms;
  if (after_ms > zone.first_ms - 1 && after_ms <= zone.last_ms && after_ms < samples_from_ms) {
    after_ms -= resolution_ms;
  }
  if (after_ms >= up_to_ms) {
    Append({zone.first_ms, zone.last_ms, RetentionClass::kRaw}, zones);
    return;
  }
  Append({zone.first_ms, after_ms, RetentionClass::kRaw}, zones);
  Append({after_ms + 1, up_to_ms, zone.source}, zones);
  Append({up_to_ms + 1, zone.last_ms, RetentionClass::kRaw}, zones);
}

}  // namespace

RollupState RollupStateOf(const WindowSet& windows, std::string_view tenant, RetentionClass rollups,
                          int64_t start_ms) {
  RollupState state;
  const WindowId id = WindowAt(rollups, start_ms);
  const auto window = windows.FindShown(id);
  const auto number = static_cast<uint32_t>((start_ms - id.start_ms) / window::kPartMs);
  state.covered = window != nullptr && window->rolled_up().covers(tenant, number);
  if (!state.covered) return state;
  const WindowId day = WindowAt(RetentionClass::kRaw, start_ms);
  const auto part = static_cast<uint8_t>((start_ms - day.start_ms) / window::kPartMs);
  const auto samples = windows.Find(day);
  if (samples == nullptr) {  // they are all that there is
    state.current = true;
    return state;
  }
  state.current = samples->rolled_up().has(tenant, part);
  if (state.current && part + 1 == window::kParts) {
    const auto next = windows.Find({LastMs(day) + 1, RetentionClass::kRaw});
    state.current = next == nullptr || next->rolled_up().has(tenant, window::kBeginPart);
  }
  return state;
}

std::vector<Zone> ZonesOf(const WindowSet& windows, std::string_view tenant, int64_t start_ms,
                          int64_t end_ms, const RollupHints& hints) {
  std::vector<Zone> zones;
  if (start_ms > end_ms) return zones;
  const bool any = hints.summary != Summary::kSamples && hints.resolution_ms >= rollup::kMinuteMs;
  if (!any || start_ms < 1) return {{start_ms, end_ms, RetentionClass::kRaw}};
  const int64_t samples_from_ms = windows.OldestSamplesMs();
  for (int64_t span_ms = SpanStart(start_ms); span_ms < end_ms; span_ms += window::kPartMs) {
    Zone zone{std::max(start_ms, span_ms + 1), std::min(end_ms, span_ms + window::kPartMs)};
    const bool may = !hints.if_needed || span_ms + window::kPartMs < samples_from_ms;
    for (const RetentionClass rollups : kRollups) {
      if (may && ResolutionMs(rollups) <= hints.resolution_ms &&
          RollupStateOf(windows, tenant, rollups, span_ms).current) {
        zone.source = rollups;
      }
    }
    AppendWhole(zone, zones);
  }
  return zones;
}

std::vector<Zone> Cut(const std::vector<Zone>& zones, int64_t first_ms, int64_t last_ms,
                      int64_t samples_from_ms) {
  std::vector<Zone> cut;
  for (Zone zone : zones) {
    zone.first_ms = std::max(zone.first_ms, first_ms);
    zone.last_ms = std::min(zone.last_ms, last_ms);
    if (zone.first_ms <= zone.last_ms) AppendWhole(zone, cut, samples_from_ms);
  }
  return cut;
}

std::vector<Zone> WithSamples(const std::vector<Zone>& zones, int64_t first_ms, int64_t last_ms) {
  if (first_ms > last_ms) return zones;
  std::vector<Zone> result;
  for (const Zone& zone : zones) {
    if (!IsRollup(zone.source) || zone.last_ms < first_ms || zone.first_ms > last_ms) {
      Append(zone, result);
      continue;
    }
    AppendWhole({zone.first_ms, std::min(zone.last_ms, first_ms - 1), zone.source}, result);
    Append(
        {std::max(zone.first_ms, first_ms), std::min(zone.last_ms, last_ms), RetentionClass::kRaw},
        result);
    AppendWhole({std::max(zone.first_ms, last_ms + 1), zone.last_ms, zone.source}, result);
  }
  return result;
}

}  // namespace leadline::collector::store::engine
