// Messages of the wire as text, a definition or sample a line.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>

#include "leadline/v1/ingest.pb.h"

namespace leadline::cli {

// RFC 3339 with milliseconds, UTC.
std::string TimeText(int64_t unix_ms);

// An index that the message does not have is "?".
void WriteDefinitions(const v1::Definitions& definitions, std::ostream& out);
// Samples by the ref of their series; columns of unequal length are named and cut to the shortest.
void WriteBatch(const v1::Batch& batch, std::ostream& out);

}  // namespace leadline::cli
