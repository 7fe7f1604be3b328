// Exemplars of series as records of kExemplars, and which records are those of a series.
//
// A series of others is identified by its labels, those that it is shown with, so that who knows
// what a query calls it can ask for its exemplars. An exemplar's key goes on with its time, so that
// the records of a series ascend with it, and with a hash of what it says: the same one twice is
// one record, two of one time are two. Format: docs/format/record.md. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/types/span.h"

#include "collector/model/exemplar.h"
#include "collector/model/record.h"
#include "collector/model/series.h"
#include "collector/store/store.h"
#include "common/id128.h"
#include "common/labels.h"

namespace leadline::collector::store::record {

// Of all its labels, __name__ among them, in any order.
Id128 ExemplarSeriesId(absl::Span<const LabelView> labels);
// REQUIRES: a series without an entity.
Id128 ExemplarSeriesId(const model::SeriesDefinition& series);

// REQUIRES: ts_ms >= 0.
model::Record OfExemplar(const Id128& series, const model::Exemplar& exemplar);
std::optional<model::Exemplar> AsExemplar(const model::Record& record);

// The keys of a series' exemplars of those times. REQUIRES: 0 <= start_ms.
KeyRange ExemplarKeys(const Id128& series, int64_t start_ms, int64_t end_ms);
// nullopt where it is no key of an exemplar.
std::optional<Id128> SeriesOfExemplarKey(std::string_view key);

}  // namespace leadline::collector::store::record
