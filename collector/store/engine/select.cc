// Reader::Find: series by visible label set.
#include <algorithm>
#include <memory>
#include <utility>

#include "collector/store/chunk/window_time.h"
#include "collector/store/engine/local_selection.h"
#include "collector/store/engine/reader.h"
#include "collector/store/engine/spans.h"
#include "collector/store/index/visible_labels.h"
#include "common/status_macros.h"

namespace leadline::collector::store::engine {

absl::StatusOr<std::unique_ptr<Selection>> Reader::Find(std::string_view tenant,
                                                        absl::Span<const Matcher> matchers,
                                                        const SelectHints& hints) const {
  LL_ASSIGN_OR_RETURN(const index::Matchers compiled, index::Matchers::Compile(matchers));
  if (compiled.matches_empty()) {
    return absl::InvalidArgumentError(
        "a selector must have at least one matcher that does not match the empty string");
  }
  SelectHints bounded = hints;
  bounded.start_ms = std::max(hints.start_ms, chunk::kMinTimestampMs);
  bounded.end_ms = std::min(hints.end_ms, chunk::kMaxTimestampMs);
  auto selection = std::make_unique<LocalSelection>(
      tenant, bounded, index::NamedKubernetesLabels(compiled, hints.named_labels), windows_,
      compiled);
  if (bounded.start_ms > bounded.end_ms) return selection;

  FoundSet& found = selection->found();
  const bool may_be_summary = hints.rollups.summary != Summary::kSamples;
  CallMeter meter(hints.limits());
  LL_RETURN_IF_ERROR(may_be_summary
                         ? found.GatherSummary(head_, windows_, compiled, hints.rollups, meter)
                         : found.Gather(head_, windows_, compiled, /*with_samples=*/true, meter));
  SpanFinder spans(found, compiled, selection->named(), bounded.start_ms, bounded.end_ms);
  for (size_t i = 0; i < found.series().size(); ++i) {
    LL_RETURN_IF_ERROR(meter.Step());
    for (const Span& span : spans.Find(found.series()[i])) selection->Add(i, span);
  }
  selection->Finish();
  return selection;
}

}  // namespace leadline::collector::store::engine
