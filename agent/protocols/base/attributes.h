// A record in OpenTelemetry's names (semantic conventions for HTTP, RPC, databases and DNS). Pure.
#pragma once

#include <string_view>

#include "absl/functional/function_ref.h"

#include "agent/protocols/base/record.h"

namespace leadline::agent::protocols::base {

// Those that have a value, always in the same order. Values are views into the record.
void ForEachAttribute(const RequestRecord& record,
                      absl::FunctionRef<void(std::string_view name, std::string_view value)> give);

}  // namespace leadline::agent::protocols::base
