// LocalSelection's reading where rollups may stand in for samples.
//
// What decides how series are joined and where their labels change is a time to the millisecond, so
// the buckets around such a time are read as samples. Where that is not enough (two entities that
// count at the same time, what was not kept), the series is read again as samples. What is too old
// for that is answered from the buckets as they are, and counted as inexact.
#include <algorithm>
#include <utility>
#include <vector>

#include "collector/store/engine/joining.h"
#include "collector/store/engine/local_selection.h"
#include "collector/store/engine/window_id.h"
#include "common/status_macros.h"

namespace leadline::collector::store::engine {
namespace {

// Whether samples of rollups are the series' own, so that the last one is what it counted last.
bool HasOwnSamples(Summary summary) {
  return summary == Summary::kRise || summary == Summary::kEnds || summary == Summary::kCount;
}

bool HasRollups(const std::vector<Zone>& zones) {
  return std::any_of(zones.begin(), zones.end(),
                     [](const Zone& zone) { return IsRollup(zone.source); });
}

}  // namespace

std::vector<Zone> LocalSelection::ZonesOfPart(const PartOf& part, absl::Span<const uint32_t> group,
                                              int64_t samples_from_ms) const {
  const FoundSeries& series = found_.series()[part.series];
  std::vector<Zone> zones = Cut(found_.zones(), part.first_ms, part.last_ms, samples_from_ms);
  for (const chunk::Piece& piece : series.head_pieces) {
    if (!HasRollups(zones)) return zones;
    const auto [first_ms, last_ms] = chunk::SpanOf(piece);
    zones = WithSamples(zones, first_ms, last_ms);
  }
  for (const uint32_t other : group.subspan(1)) {
    const int64_t begin_ms = parts_[other].begin_ms;
    if (begin_ms >= samples_from_ms) zones = WithSamples(zones, begin_ms - 1, begin_ms);
  }
  return zones;
}

// Whether the parts cannot be joined by what is known of them.
bool LocalSelection::AreAtOdds(absl::Span<const uint32_t> group,
                               absl::Span<const SummaryPart> parts) const {
  for (size_t newer = 1; newer < group.size(); ++newer) {
    if (parts[newer].block.empty()) continue;
    const int64_t begin_ms = parts_[group[newer]].begin_ms;
    for (size_t older = 0; older < newer; ++older) {
      if (parts[older].block.empty()) continue;
      if (parts[newer].rolled_from_ms < begin_ms) return true;
      if (parts[older].rolled_to_ms >= begin_ms && !HasOwnSamples(hints_.rollups.summary)) {
        return true;
      }
      const bool any_rolled = parts[older].rolled_from_ms != model::kOpenEnd ||
                              parts[newer].rolled_from_ms != model::kOpenEnd;
      if (parts_[group[older]].begin_ms == begin_ms && any_rolled) return true;
    }
  }
  return false;
}

absl::Status LocalSelection::ReadSummaries(size_t first, size_t count, UseBlock use) const {
  const int64_t samples_from_ms = windows_.OldestSamplesMs();
  std::vector<uint32_t> numbers;
  std::vector<size_t> begins;  // of each group's, in `numbers`
  for (size_t i = 0; i < count; ++i) {
    begins.push_back(numbers.size());
    for (uint32_t part = groups_[first + i].first; part != kNone; part = parts_[part].next) {
      numbers.push_back(part);
    }
  }
  begins.push_back(numbers.size());
  const auto group_of = [&](size_t i) {
    return absl::MakeConstSpan(numbers).subspan(begins[i], begins[i + 1] - begins[i]);
  };
  std::vector<SummaryPart> parts(numbers.size());
  std::vector<SummaryPart*> wanted;
  for (size_t i = 0; i < count; ++i) {
    for (size_t at = begins[i]; at < begins[i + 1]; ++at) {
      const PartOf& part = parts_[numbers[at]];
      parts[at].series = part.series;
      parts[at].has_rollups =
          ClassOf(found_.series()[part.series].definition->metric()) == RetentionClass::kRaw;
      if (parts[at].has_rollups) {
        parts[at].zones = ZonesOfPart(part, group_of(i), samples_from_ms);
      } else {
        parts[at].zones = {{part.first_ms, part.last_ms, RetentionClass::kRaw}};
      }
      wanted.push_back(&parts[at]);
    }
  }
  chunk::ReadBudget budget(hints_.max_samples, hints_.deadline);
  LL_RETURN_IF_ERROR(summary_reader_.Read(wanted, budget));
  LL_RETURN_IF_ERROR(CheckTime());

  wanted.clear();
  const auto read_again = [&](SummaryPart& part, const std::vector<Zone>& zones) {
    std::vector<Zone> with_samples = part.zones;
    for (const Zone& zone : zones) {
      with_samples =
          WithSamples(with_samples, std::max(zone.first_ms, samples_from_ms), zone.last_ms);
    }
    if (with_samples == part.zones) return;
    part.zones = std::move(with_samples);
    wanted.push_back(&part);
  };
  for (size_t i = 0; i < count; ++i) {
    const auto group = absl::MakeSpan(parts).subspan(begins[i], begins[i + 1] - begins[i]);
    const bool at_odds = AreAtOdds(group_of(i), group);
    for (SummaryPart& part : group) {
      if (at_odds) {
        read_again(part, std::vector<Zone>(part.zones));
      } else if (!part.inexact.empty()) {
        read_again(part, std::vector<Zone>(part.inexact));
      }
    }
  }
  LL_RETURN_IF_ERROR(summary_reader_.Read(wanted, budget));

  for (size_t i = 0; i < count; ++i) {
    Part joined;
    uint64_t buckets = 0;
    for (size_t at = begins[i]; at < begins[i + 1]; ++at) {
      const PartOf& part = parts_[numbers[at]];
      SummaryPart& read = parts[at];
      DescribePart(part, read.block);
      if (part.last_ms < hints_.end_ms) EndAt(part.last_ms + 1, read.block);
      buckets += read.minutes + read.hours;
      minutes_.fetch_add(read.minutes, std::memory_order_relaxed);
      hours_.fetch_add(read.hours, std::memory_order_relaxed);
      const bool is_cut = !read.zones.empty() && read.zones.front().first_ms < part.first_ms;
      inexact_.fetch_add(read.inexact_buckets + (is_cut ? 1 : 0), std::memory_order_relaxed);
      samples_.fetch_add(read.block.sample_count(), std::memory_order_relaxed);
      Part newer{part.begin_ms, std::move(read.block)};
      if (at > begins[i] && newer.block.empty()) continue;
      if (joined.block.empty()) {
        joined = std::move(newer);
      } else {
        Join(std::move(newer), hints_.start_ms, joined);
      }
    }
    if (buckets == 0) {
      joined.block.counts.clear();
      joined.block.lost.clear();
      joined.block.histogram_counts.clear();
    }
    if (joined.block.empty()) continue;
    joined.block.labels = groups_[first + i].labels;
    LL_RETURN_IF_ERROR(use(joined.block));
  }
  return absl::OkStatus();
}

}  // namespace leadline::collector::store::engine
