// What the log's frames hold: records of series definitions, batches, writers and entities.
//
// Series are named by handles of the run of the program that wrote them (segment.h). A handle is
// defined before it is used, and again after the checkpoint of its shard, from which on the log is
// needed. Format: docs/format/log.md. Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/types/span.h"

#include "collector/model/entity.h"
#include "collector/model/series.h"
#include "collector/store/store.h"

namespace leadline::collector::store::log {

inline constexpr uint8_t kRecordVersion = 4;
inline constexpr size_t kMaxBatchSeries = size_t{1} << 22;

struct SeriesRecord {
  struct Row {
    SeriesHandle handle = 0;
    model::SeriesDefinition definition;
    bool operator==(const Row&) const = default;
  };
  std::string tenant;
  std::vector<Row> rows;
};

struct BatchRecord {
  std::string tenant;
  WriteBatch batch;  // handles are the segment's
};

// The last durable sequence of each writer, as of the beginning of a checkpoint.
struct WritersRecord {
  struct Row {
    std::string tenant;
    WriterId writer;
    uint64_t sequence = 0;
    bool operator==(const Row&) const = default;
  };
  std::vector<Row> rows;
};

// Entities that live, as of the beginning of a checkpoint.
struct EntitiesRecord {
  std::string tenant;
  std::vector<model::EntityVersion> versions;
};

// What of a batch is no sample; behind its BatchRecord.
struct KeyedRecords {
  std::string tenant;
  std::vector<model::Record> records;
};

using Record = std::variant<SeriesRecord, BatchRecord, WritersRecord, EntitiesRecord, KeyedRecords>;

// A SeriesRecord row by row, without a copy of its text, which stays until it is appended.
class SeriesRecordWriter {
 public:
  bool empty() const { return rows_ == 0; }

  // A row, to be followed by as many labels.
  void BeginRow(SeriesHandle handle, std::string_view metric, const Id128& entity, size_t labels);
  void AddLabel(std::string_view name, std::string_view value);

  void AppendTo(std::string_view tenant, std::string& out) const;

 private:
  // Each is written where it first comes, and named by its number after that.
  void AppendText(std::string_view text);

  size_t rows_ = 0;
  std::string body_;  // without what comes before the rows
  absl::flat_hash_map<std::string_view, uint64_t> numbers_;
  SeriesHandle next_ = 0;
  Id128 entity_;
};

void AppendRecord(const SeriesRecord& record, std::string& out);
void AppendRecord(std::string_view tenant, const WriteBatch& batch, std::string& out);
void AppendRecord(const WritersRecord& record, std::string& out);
void AppendRecord(const EntitiesRecord& record, std::string& out);
void AppendRecord(const KeyedRecords& record, std::string& out);

// The records of a frame. DATA_LOSS when it is malformed (it passed its checksum, so that this is a
// defect or an attack), UNIMPLEMENTED for a record of another version or type.
absl::Status ReadRecords(std::string_view payload, std::vector<Record>& records);

// The series of a record, as views into its frame.
struct SeriesRows {
  struct LabelText {
    std::string_view name;
    std::string_view value;
  };
  struct Row {
    SeriesHandle handle = 0;
    std::string_view metric;
    Id128 entity;
    size_t first_label = 0;
    size_t label_count = 0;
  };
  std::string_view tenant;
  std::vector<Row> rows;
  std::vector<LabelText> labels;  // of all rows

  // Ascending by name, each name once, no value empty.
  absl::Span<const LabelText> LabelsOf(const Row& row) const {
    return absl::MakeConstSpan(labels).subspan(row.first_label, row.label_count);
  }
};

// Takes records one by one. They may be changed, and are valid during the call.
class RecordVisitor {
 public:
  // Numbers of a batch's series that are not read; samples of missed ones are counted.
  static constexpr uint32_t kLeftOut = UINT32_MAX;
  static constexpr uint32_t kMissed = UINT32_MAX - 1;

  virtual ~RecordVisitor() = default;
  virtual void Visit(const SeriesRows& series) = 0;
  // Says which of a batch's series are read, before anything else of it is and if it is whole or
  // not: leaves those in `series`, under whatever handles they are to have, and sets their numbers
  // there by the places that they had; all are kLeftOut before.
  virtual void Choose(std::string_view tenant, std::vector<SeriesHandle>& series,
                      absl::Span<uint32_t> numbers) = 0;
  // With the samples of those.
  virtual void Visit(BatchRecord& batch, uint64_t missed_samples) = 0;
  virtual void Visit(EntitiesRecord& entities) = 0;
  virtual void Visit(KeyedRecords& records) = 0;
};

// Reads frame after frame into memory that is used again. Not synchronized.
class RecordReader {
 public:
  // Calls `visitor` with each whole record of the frame that is about series, up to the first that
  // is not; errors as of ReadRecords.
  absl::Status Read(std::string_view payload, RecordVisitor& visitor);

 private:
  SeriesRows series_;
  std::vector<std::string_view> texts_;  // of series_, by number
  BatchRecord batch_;
  std::vector<uint32_t> numbers_;  // of batch_'s series
};

// Who wrote the batches of a frame, without what they hold; and the writers of checkpoints. Errors
// as above, but of batches only the beginning is looked at.
absl::Status ReadWriters(std::string_view payload, WritersRecord& writers);

}  // namespace leadline::collector::store::log
