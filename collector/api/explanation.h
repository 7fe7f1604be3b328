// An explained query as JSON. Pure function.
#pragma once

#include "collector/api/json_writer.h"
#include "collector/promql/explain.h"

namespace leadline::collector::api {

void WriteExplanation(const promql::Explanation& explanation, JsonWriter& json);

}  // namespace leadline::collector::api
