// Which version of remote write a request speaks, by its headers.
//
// Pure functions. Source: the specifications of remote write 1.0 and 2.0, "Protocol".
#pragma once

#include "absl/status/statusor.h"

#include "collector/remote/write/request.h"
#include "common/http/message.h"

namespace leadline::collector::remote::write {

// INVALID_ARGUMENT for a content type or encoding that is not taken, which is answered 415. As in
// Prometheus, no type and no encoding are those of 1.0.
absl::StatusOr<Version> VersionOf(const http::Request& request);

}  // namespace leadline::collector::remote::write
