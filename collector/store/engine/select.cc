// Reader::Select: samples by visible label set.
#include <algorithm>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include <fmt/format.h>

#include "collector/model/sample.h"
#include "collector/store/chunk/pieces.h"
#include "collector/store/chunk/window_time.h"
#include "collector/store/engine/found_series.h"
#include "collector/store/engine/reader.h"
#include "collector/store/index/visible_labels.h"
#include "common/status_macros.h"

namespace leadline::collector::store::engine {
namespace {

using LabelsPtr = std::shared_ptr<const LabelSet>;

// A part of a series' time in which its visible labels are the same, and match.
struct Span {
  int64_t begin_ms = 0;  // when they came into force, also where that is before the range
  int64_t first_ms = 0;
  int64_t last_ms = 0;
  LabelsPtr labels;
};

std::vector<Span> MatchingSpans(const FoundSeries& found, const index::Matchers& matchers,
                                const StringSet& named, int64_t start_ms, int64_t end_ms) {
  const auto labels_of = [&](const model::EntityVersion* version) {
    return std::make_shared<const LabelSet>(
        index::VisibleLabels(*found.definition, version, named));
  };
  if (found.timeline == nullptr) {
    if (!index::MatchesAll(matchers, *found.definition, nullptr)) return {};
    return {{0, start_ms, end_ms, labels_of(nullptr)}};
  }
  const auto& versions = found.timeline->versions();
  const auto same_labels = [&](const model::EntityVersion& a, const model::EntityVersion& b) {
    return a.labels == b.labels && (named.empty() || a.kubernetes_labels == b.kubernetes_labels);
  };
  std::vector<Span> spans;
  int64_t begin_ms = found.timeline->start_ms();
  for (size_t i = 0; i < versions.size(); ++i) {
    if (i > 0 && !same_labels(versions[i - 1], versions[i])) begin_ms = versions[i].valid_from_ms;
    // The first version counts before its begin too.
    const int64_t first_ms = i == 0 ? start_ms : std::max(start_ms, versions[i].valid_from_ms);
    const int64_t last_ms =
        i + 1 == versions.size() ? end_ms : std::min(end_ms, versions[i + 1].valid_from_ms - 1);
    if (first_ms > last_ms) continue;
    if (!index::MatchesAll(matchers, *found.definition, &versions[i])) continue;
    LabelsPtr labels = labels_of(&versions[i]);
    if (!spans.empty() && spans.back().last_ms + 1 == first_ms && *spans.back().labels == *labels) {
      spans.back().last_ms = last_ms;
    } else {
      spans.push_back({begin_ms, first_ms, last_ms, std::move(labels)});
    }
  }
  return spans;
}

template <typename Value>
void MoveRange(chunk::Samples<Value>& from, const Span& span, std::vector<int64_t>& ts_ms,
               std::vector<Value>& values) {
  const auto first = std::lower_bound(from.ts_ms.begin(), from.ts_ms.end(), span.first_ms);
  const auto last = std::upper_bound(first, from.ts_ms.end(), span.last_ms);
  const auto value = from.values.begin() + (first - from.ts_ms.begin());
  if (first == from.ts_ms.begin() && last == from.ts_ms.end()) {
    ts_ms = std::move(from.ts_ms);
    values = std::move(from.values);
    return;
  }
  ts_ms.assign(first, last);
  values.assign(std::make_move_iterator(value), std::make_move_iterator(value + (last - first)));
}

// Where other labels are in force from some time in the range on, the block ends with a staleness
// marker: looked back to beside its successor, it would count its entity twice.
void EndSpan(const Span& span, int64_t end_ms, SeriesBlock& block) {
  if (span.last_ms >= end_ms) return;
  const int64_t ts_ms = span.last_ms + 1;
  if (!block.ts_ms.empty()) {
    block.ts_ms.push_back(ts_ms);
    block.values.push_back(model::StaleNan());
  }
  if (!block.histogram_ts_ms.empty()) {
    model::NativeHistogram marker;
    marker.sum = model::StaleNan();
    block.histogram_ts_ms.push_back(ts_ms);
    block.histograms.push_back(std::move(marker));
  }
}

// A block and when its labels came into force for its entity.
struct Part {
  int64_t begin_ms = 0;
  SeriesBlock block;
};

bool IsStale(double value) { return model::IsStaleNan(value); }
bool IsStale(const model::NativeHistogram& value) { return model::IsStaleNan(value.sum); }

// From `at_ms` on another entity has the samples. What this one counted after that (a container
// whose cgroup outlives the start of the one that replaces it) is told at the last moment before.
template <typename Value>
void HandOver(int64_t at_ms, int64_t start_ms, std::vector<int64_t>& ts_ms,
              std::vector<Value>& values) {
  const auto kept = std::lower_bound(ts_ms.begin(), ts_ms.end(), at_ms) - ts_ms.begin();
  const auto last = std::find_if(values.rbegin(), values.rend() - kept,
                                 [](const Value& value) { return !IsStale(value); });
  std::optional<Value> final;
  if (last != values.rend() - kept && at_ms - 1 >= start_ms) final = std::move(*last);
  ts_ms.resize(static_cast<size_t>(kept));
  values.resize(static_cast<size_t>(kept));
  if (!final) return;
  if (!ts_ms.empty() && ts_ms.back() == at_ms - 1) {
    values.back() = *std::move(final);
  } else {
    ts_ms.push_back(at_ms - 1);
    values.push_back(*std::move(final));
  }
}

// `newer` begins no earlier than `part`, and wins at equal timestamps.
void Join(Part newer, int64_t start_ms, Part& part) {
  SeriesBlock& block = part.block;
  if (newer.begin_ms > part.begin_ms) {
    HandOver(newer.begin_ms, start_ms, block.ts_ms, block.values);
    HandOver(newer.begin_ms, start_ms, block.histogram_ts_ms, block.histograms);
  }
  const auto join = [](auto& ts_ms, auto& values, auto& newer_ts_ms, auto& newer_values) {
    using Value = typename std::decay_t<decltype(values)>::value_type;
    chunk::Samples<Value> samples{std::move(ts_ms), std::move(values)};
    samples.ts_ms.insert(samples.ts_ms.end(), newer_ts_ms.begin(), newer_ts_ms.end());
    samples.values.insert(samples.values.end(), std::make_move_iterator(newer_values.begin()),
                          std::make_move_iterator(newer_values.end()));
    chunk::SortKeepLast(samples);
    ts_ms = std::move(samples.ts_ms);
    values = std::move(samples.values);
  };
  join(block.ts_ms, block.values, newer.block.ts_ms, newer.block.values);
  join(block.histogram_ts_ms, block.histograms, newer.block.histogram_ts_ms,
       newer.block.histograms);
  part.begin_ms = newer.begin_ms;
  block.entity = newer.block.entity;
  block.entity_start_ms = std::min(block.entity_start_ms, newer.block.entity_start_ms);
  block.entity_end_ms = std::max(block.entity_end_ms, newer.block.entity_end_ms);
}

// Parts with equal labels become one block; sorted by labels.
std::vector<SeriesBlock> JoinEqualLabels(std::vector<Part> parts, int64_t start_ms) {
  std::sort(parts.begin(), parts.end(), [](const Part& a, const Part& b) {
    if (const auto order = *a.block.labels <=> *b.block.labels; order != 0) return order < 0;
    return std::pair(a.begin_ms, a.block.entity) < std::pair(b.begin_ms, b.block.entity);
  });
  std::vector<SeriesBlock> blocks;
  for (size_t i = 0; i < parts.size();) {
    Part joined = std::move(parts[i]);
    for (++i; i < parts.size() && *parts[i].block.labels == *joined.block.labels; ++i) {
      Join(std::move(parts[i]), start_ms, joined);
    }
    blocks.push_back(std::move(joined.block));
  }
  return blocks;
}

}  // namespace

absl::StatusOr<std::vector<SeriesBlock>> Reader::Select(std::string_view tenant,
                                                        absl::Span<const Matcher> matchers,
                                                        const SelectHints& hints) const {
  LL_ASSIGN_OR_RETURN(const index::Matchers compiled, index::Matchers::Compile(matchers));
  if (compiled.matches_empty()) {
    return absl::InvalidArgumentError(
        "a selector must have at least one matcher that does not match the empty string");
  }
  const StringSet named = index::NamedKubernetesLabels(compiled, hints.named_labels);
  const int64_t start_ms = std::max(hints.start_ms, chunk::kMinTimestampMs);
  const int64_t end_ms = std::min(hints.end_ms, chunk::kMaxTimestampMs);
  if (start_ms > end_ms) return std::vector<SeriesBlock>();

  FoundSet found(tenant, start_ms, end_ms);
  LL_RETURN_IF_ERROR(found.Gather(head_, windows_, compiled, /*with_samples=*/true));
  std::vector<std::vector<Span>> spans;
  for (FoundSeries& series : found.series()) {
    spans.push_back(MatchingSpans(series, compiled, named, start_ms, end_ms));
    series.wanted = !spans.back().empty();
  }
  LL_RETURN_IF_ERROR(found.ReadWindows(hints.max_samples, hints.deadline));

  chunk::ReadBudget budget(hints.max_samples, hints.deadline);
  std::vector<Part> parts;
  for (size_t i = 0; i < spans.size(); ++i) {
    if (spans[i].empty()) continue;
    FoundSeries& series = found.series()[i];
    std::vector<chunk::Piece> pieces = std::move(series.window_pieces);
    std::move(series.head_pieces.begin(), series.head_pieces.end(), std::back_inserter(pieces));
    LL_ASSIGN_OR_RETURN(
        chunk::MergedSamples samples,
        chunk::MergePieces(pieces, spans[i].front().first_ms, spans[i].back().last_ms, budget));
    for (const Span& span : spans[i]) {
      SeriesBlock block;
      block.labels = span.labels;
      block.entity = series.definition->entity();
      if (series.timeline) {
        block.entity_start_ms = series.timeline->start_ms();
        block.entity_end_ms = series.timeline->end_ms();
      }
      MoveRange(samples.floats, span, block.ts_ms, block.values);
      MoveRange(samples.histograms, span, block.histogram_ts_ms, block.histograms);
      EndSpan(span, end_ms, block);
      if (!block.ts_ms.empty() || !block.histogram_ts_ms.empty()) {
        parts.push_back({span.begin_ms, std::move(block)});
      }
    }
  }
  return JoinEqualLabels(std::move(parts), start_ms);
}

}  // namespace leadline::collector::store::engine
