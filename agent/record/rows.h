// Answers that come row by row, too many to be gathered first: the rows of a kernel map.
//
// As Taped (tape.h). A row is valid during the call of the handler only. Every row is counted as
// read; a recording holds them and how the reading ended.
#pragma once

#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"

#include "agent/record/archive.h"
#include "agent/record/tape.h"

namespace leadline::agent::record {

template <typename Row>
using RowHandler = absl::FunctionRef<void(const Row&)>;

// Hands out the rows of an answer; the status is how the reading ended. Stops at the first row
// that is not as written: then ok() of the reader is false.
template <typename Row>
absl::Status ReadRows(ArchiveReader& reader, RowHandler<Row> handler) {
  bool more = false;
  for (reader.Get(more); more && reader.ok(); reader.Get(more)) {
    Row row{};
    reader.Get(row);
    if (!reader.ok()) break;
    handler(row);
  }
  absl::Status status;
  reader.Get(status);
  return status;
}

template <typename Row>
absl::Status TapedRows(Topic topic, std::string_view key,
                       absl::FunctionRef<absl::Status(RowHandler<Row>)> read,
                       RowHandler<Row> handler) {
  Tape* tape = Tape::Current();
  if (tape == nullptr) return read(handler);
  if (!tape->replays()) {
    std::string bytes;
    ArchiveWriter writer(bytes);
    absl::Status status = read([&](const Row& row) {
      writer.Put(true);
      writer.Put(row);
      handler(row);
    });
    writer.Put(false);
    writer.Put(status);
    tape->Keep(topic, key, bytes);
    return status;
  }
  const auto bytes = tape->Recall(topic, key);
  if (!bytes) return absl::OkStatus();
  ArchiveReader reader(*bytes);
  absl::Status status = ReadRows(reader, handler);
  if (!reader.ok()) tape->Malformed(topic, key);
  return status;
}

}  // namespace leadline::agent::record
