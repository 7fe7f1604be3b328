// Which series matchers may mean, from postings alone, wherever those are: in memory or in rows.
//
// What is found is a superset: an entity is posted under the labels of all its versions, so callers
// check the version in force with visible_labels.h. Errors are the source's. Pure functions.
#pragma once

#include <cstdint>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <roaring/roaring.hh>

#include "collector/store/index/label_table.h"
#include "collector/store/index/matchers.h"

namespace leadline::collector::store::index {

// Whose labels: a series' own (the metric's name among them), or an entity's (Kubernetes' too).
enum class LabelsOf : uint8_t { kSeries, kEntity };

// Postings of one tenant. Everything is added to `out`.
class PostingsSource {
 public:
  virtual ~PostingsSource() = default;

  virtual absl::Status AddAllSeries(Roaring& out) const = 0;
  // Ordinals of series or entities with the label.
  virtual absl::Status AddWithLabel(LabelsOf whose, const LabelView& label, Roaring& out) const = 0;
  // And those with one of the name's values that begin with `prefix` and are wanted.
  using Wanted = absl::FunctionRef<bool(std::string_view value)>;
  virtual absl::Status AddWithValues(LabelsOf whose, std::string_view name, std::string_view prefix,
                                     Wanted wanted, Roaring& out) const = 0;
  // At least those series of the entities that are in `within` (all when it is null).
  virtual absl::Status AddSeriesOf(const Roaring& entities, const Roaring* within,
                                   Roaring& out) const = 0;
};

absl::StatusOr<Roaring> FindSeries(const PostingsSource& source, const Matchers& matchers);
// Entities with a label that one of the matchers asks for.
absl::StatusOr<Roaring> FindEntities(const PostingsSource& source, const Matchers& matchers);

}  // namespace leadline::collector::store::index
