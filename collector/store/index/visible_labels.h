// The labels of a series that a query sees.
//
// Visible are __name__, the entity's identifying labels and the residual labels, which win over the
// entity's of the same name; Kubernetes labels only where the query names them. A label set without
// entity stands in where no version of the entity is known. Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "collector/model/entity.h"
#include "collector/model/entity_timeline.h"
#include "collector/store/index/definition.h"
#include "collector/store/index/matchers.h"
#include "common/labels.h"
#include "common/string_map.h"

namespace leadline::collector::store::index {

// The value of a label of the series, Kubernetes labels included; "" when there is none. Valid as
// long as the arguments. `version` may be null.
std::string_view LabelValue(const Definition& series, const model::EntityVersion* version,
                            std::string_view name);

// Whether a version of the entity that was in force in the range has the label, of either kind.
bool IsInForce(const model::EntityTimeline& timeline, const LabelView& label, int64_t start_ms,
               int64_t end_ms);

bool MatchesAll(const Matchers& matchers, const Definition& series,
                const model::EntityVersion* version);

// The Kubernetes labels that matchers name, and those among `names`.
StringSet NamedKubernetesLabels(const Matchers& matchers, const std::vector<std::string>& names);

}  // namespace leadline::collector::store::index
