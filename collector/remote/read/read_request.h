// Remote read: prometheus.ReadRequest as bytes -> what to ask the store.
//
// Errors: INVALID_ARGUMENT where the bytes are no such message, a matcher has no known type, or
// there are too many queries. Regular expressions are the store's to judge. Pure functions.
// Source: https://prometheus.io/docs/prometheus/latest/querying/remote_read_api/ and Prometheus'
// description of the messages.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "collector/store/store.h"

namespace leadline::collector::remote::read {

inline constexpr size_t kMaxBodyBytes = 1 << 20;     // as it comes
inline constexpr size_t kMaxRequestBytes = 8 << 20;  // unpacked
inline constexpr size_t kMaxQueries = 1000;

enum class ResponseType : uint8_t { kSamples = 0, kStreamedXorChunks = 1 };

struct Query {
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  std::vector<store::Matcher> matchers;
  std::string_view function;  // of the hints
};

struct ReadRequest {
  std::vector<Query> queries;
  // In the order in which the client likes them; unknown ones are left out, none is kSamples.
  std::vector<ResponseType> accepted;
};

// Refers to `message`.
absl::StatusOr<ReadRequest> ParseReadRequest(std::string_view message);

}  // namespace leadline::collector::remote::read
