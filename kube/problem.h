// What an API server's refusal means for whoever runs us.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace leadline::kube {

// As a metric's label: "ok", "gone", "unauthorized", "forbidden", "throttled", "error".
std::string_view ProblemName(const absl::Status& status);

// The status' text and, where somebody has to do something about it, what. `verbs` and `resource`
// are what was asked for: "get, list and watch", "pods".
std::string Describe(const absl::Status& status, std::string_view verbs, std::string_view resource);

// Whether the server is there and said what it thinks of the request, and not that it is out of
// order or too busy.
bool ServerAnswered(const absl::Status& status);

}  // namespace leadline::kube
