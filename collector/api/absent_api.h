// What Prometheus' API tells of itself and there is none of here: targets, scrape pools,
// Alertmanagers. Answered as by a Prometheus that has none, for programs that ask it first.
#pragma once

#include "common/http/router.h"

namespace leadline::collector::api {

void AddAbsentRoutes(http::Router& router);

}  // namespace leadline::collector::api
