// Rules, alerts and exemplars, of which there are none: answered as by a Prometheus that has none,
// because Grafana asks for them of every data source.
#pragma once

#include "common/http/router.h"

namespace leadline::collector::api {

void AddRulesRoutes(http::Router& router);

}  // namespace leadline::collector::api
