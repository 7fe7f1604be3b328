// Visible label sets of series, each once and in order, as views of labels where they lie.
//
// What their labels are of outlives them, or is taken over. One call, one thread. Errors are those
// of the meter, which has what the rows take.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"

#include "collector/model/entity.h"
#include "collector/store/call_meter.h"
#include "collector/store/index/definition.h"
#include "common/labels.h"
#include "common/string_map.h"

namespace leadline::collector::store::engine {

class SeriesRows {
 public:
  // No more than the first `limit`, unless that is 0. `meter` outlives it.
  SeriesRows(size_t limit, CallMeter& meter) : limit_(limit), meter_(meter) {}

  // Kubernetes labels that are visible of what is added from now on.
  void Show(StringSet named);
  // A series' visible labels, as index/visible_labels.h says. `version` may be null.
  absl::Status Add(const index::Definition& series, const model::EntityVersion* version);

  // Copies what it does not have itself of the labels of those that are wanted.
  absl::Status TakeOver();

  // Valid until more are added, and as long as this.
  absl::Span<const absl::Span<const LabelView>> Sorted();

 private:
  struct Row {
    size_t first = 0;  // in labels_
    size_t count = 0;
  };

  absl::Span<const LabelView> LabelsOf(const Row& row) const {
    return absl::MakeConstSpan(labels_).subspan(row.first, row.count);
  }
  // Into entity_labels_.
  void ReadEntityLabels(const model::EntityVersion& version);
  // Has the names from labels_[first] on lie in texts_, where equal ones are one.
  void PlaceNames(size_t first);
  void SortRows();
  // Leaves no more than are wanted.
  void Cut();

  const size_t limit_;
  CallMeter& meter_;
  StringSet named_;
  std::set<std::string, std::less<>> texts_;
  std::vector<LabelView> labels_;
  std::vector<Row> rows_;
  std::vector<LabelView> own_;            // of the series that is added
  std::vector<LabelView> entity_labels_;  // of that version, if any
  const model::EntityVersion* version_ = nullptr;
  std::vector<absl::Span<const LabelView>> sorted_;
};

}  // namespace leadline::collector::store::engine
