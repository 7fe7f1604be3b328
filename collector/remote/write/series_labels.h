// The labels of a series, as others write them -> what the store calls the series.
//
// A series of others has no entity and keeps exactly its labels. Their order is of no account;
// labels with an empty value are none. Errors: INVALID_ARGUMENT in Prometheus' kind of words, with
// the labels, for what can never be taken: no metric name, a label without a name or named twice,
// text that is not UTF-8, more than a series may have. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

#include "collector/model/series.h"

namespace leadline::collector::remote::write {

using RawLabels = std::vector<std::pair<std::string_view, std::string_view>>;

absl::StatusOr<model::SeriesDefinition> ToDefinition(RawLabels labels);

// {name="value", …} for a text about the series; long ones and what is not UTF-8 are cut.
std::string Describe(const RawLabels& labels);

}  // namespace leadline::collector::remote::write
