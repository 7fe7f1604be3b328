// What the collector answered to a query, and that as a table.
//
// Source: https://prometheus.io/docs/prometheus/3.0/querying/api/. Pure functions.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "cli/table.h"

namespace leadline::cli {

struct ReplySample {
  double time_seconds = 0;
  std::string value;  // as the server wrote it; of a histogram its count and sum
};

struct ReplySeries {
  std::map<std::string, std::string> labels;
  std::vector<ReplySample> samples;
};

struct QueryReply {
  std::string type;  // vector, matrix, scalar, string
  std::vector<ReplySeries> series;
  ReplySample scalar;                // of a scalar or string
  std::vector<std::string> remarks;  // warnings and infos
};

// INVALID_ARGUMENT with the server's text where it refused; INTERNAL where `body` is no answer of
// the API.
absl::StatusOr<QueryReply> ParseQueryReply(std::string_view body);

// Labels as columns, those of Kubernetes first and in the order of its hierarchy; then the time,
// where there are several samples a series; then the value. Rows are in order of their labels,
// unless the query asks for an order (see AsksForOrder). Names are in capitals for people
// (as by kubectl) and values shortened to six digits; as they are for programs.
enum class HeaderStyle { kForPeople, kAsIs };
Table ToTable(const QueryReply& reply, const std::string& query, HeaderStyle style);

// Whether the query's outermost function gives its result an order: topk, sort, …
bool AsksForOrder(const std::string& query);

}  // namespace leadline::cli
