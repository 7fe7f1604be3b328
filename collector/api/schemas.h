// The JSON that the API answers with, as JSON Schemas: what the OpenAPI document says of it.
//
// Constant data. A good answer of /api/… is {"status":"success","data":…}; the schemas here are of
// the data, except for those that are bare.
#pragma once

#include <string_view>

#include "absl/types/span.h"

namespace leadline::collector::api {

struct Schema {
  std::string_view name;
  std::string_view json;
  bool bare = false;  // the whole answer, in no envelope
};

absl::Span<const Schema> Schemas();

// nullptr where there is none of that name.
const Schema* FindSchema(std::string_view name);

}  // namespace leadline::collector::api
