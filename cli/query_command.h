// `leadline query`: a PromQL query to the collector, its answer as a table, JSON or CSV.
#pragma once

#include <ostream>
#include <string>

#include "cli/collector_access.h"
#include "cli/http_client.h"
#include "common/clock.h"

namespace leadline::cli {

// As on the command line. Times: RFC 3339, Unix seconds, "now", or as long before now as "-5m".
struct QueryFlags {
  std::string expr;
  CollectorAccess collector;
  std::string time;   // empty: now
  std::string start;  // not empty: a range query
  std::string end;    // empty: now
  std::string step;   // empty: a 250th of the range, a second at least
  std::string output = "table";
  bool explain = false;  // how it is answered, in place of the answer
};

// The exit code: 0, or 1 with what is wrong on `err`.
int RunQuery(const QueryFlags& flags, const PostForm& post, const Clock& clock, std::ostream& out,
             std::ostream& err);

// The server's words; where they give a line and column of the query, with that line and a caret
// below the place.
std::string ExplainError(const std::string& message, const std::string& query);

}  // namespace leadline::cli
