// Rules as Prometheus' API tells them, and alerts, of which there are none: answered as by a
// Prometheus that has none, because Grafana asks for them of every data source.
#pragma once

#include <functional>
#include <vector>

#include "absl/status/status.h"

#include "collector/rules/rule_status.h"
#include "common/http/router.h"

namespace leadline::collector::api {

using RuleGroups = std::function<std::vector<rules::GroupStatus>()>;

// `groups` may be nullptr: there are none. `reload` reads what can be read anew; nullptr: 404.
void AddRulesRoutes(http::Router& router, RuleGroups groups, std::function<absl::Status()> reload);

}  // namespace leadline::collector::api
