#include "collector/store/log/record.h"

#include <iterator>
#include <numeric>
#include <utility>

#include <fmt/format.h>

#include "collector/store/codec/model_codec.h"
#include "collector/store/record/rows.h"
#include "common/bytes.h"

namespace leadline::collector::store::log {
namespace {

// On disk: never renumber.
enum class Type : uint8_t { kSeries = 1, kBatch = 2, kWriters = 3, kEntities = 4, kKeyed = 5 };

// 3 had no float counts; all else is the same.
constexpr uint8_t kLeastRecordVersion = 3;

constexpr size_t kLeastSeriesBytes = 1 + 1 + 1 + 1;
constexpr size_t kLeastEntityBytes = 16 + 1 + 1 + 1 + 1 + 1 + 1 + 1;
constexpr size_t kLeastWriterBytes = 1 + 16 + 1 + 1;
constexpr size_t kLeastFrameBytes = 2;
constexpr size_t kLeastFloatBytes = 1;
constexpr size_t kLeastHistogramBytes = 1 + 1 + 8 + 1 + 1 + 8 + 1 + 1;

void AppendFramed(Type type, std::string_view body, std::string& out) {
  out.push_back(static_cast<char>(type));
  out.push_back(static_cast<char>(kRecordVersion));
  AppendString(body, out);
}

// Numbers as runs of neighbours: from where the run before ended, and how many.
template <typename Unsigned>
void AppendRuns(const std::vector<Unsigned>& values, std::string& out) {
  uint64_t expected = 0;
  for (size_t begin = 0; begin < values.size();) {
    size_t end = begin + 1;
    while (end < values.size() && values[end] == values[end - 1] + 1) ++end;
    AppendSigned(static_cast<int64_t>(values[begin] - expected), out);
    AppendVarint(end - begin, out);
    expected = uint64_t{values[end - 1]} + 1;
    begin = end;
  }
}

// Calls visit(first, length) for each run of so many numbers as there are to come.
template <typename Visit>
void ReadRuns(ByteReader& reader, size_t count, Visit visit) {
  uint64_t next = 0;
  for (size_t left = count; left > 0;) {
    next += static_cast<uint64_t>(reader.Signed());
    const uint64_t length = reader.Varint();
    // No run goes over the end of what a number can be.
    if (length == 0 || length > left || next + (length - 1) < next) return reader.Fail();
    visit(next, length);
    next += length;
    left -= length;
  }
}

// A string of a record of series; `texts` has those before.
std::string_view ReadText(ByteReader& reader, std::vector<std::string_view>& texts) {
  const uint64_t number = reader.Varint();
  if (number == 0) return texts.emplace_back(reader.String());
  if (number <= texts.size()) return texts[number - 1];
  reader.Fail();
  return {};
}

void AppendEntities(const std::vector<model::EntityVersion>& versions, std::string& out) {
  AppendVarint(versions.size(), out);
  for (const model::EntityVersion& version : versions) codec::AppendEntityVersion(version, out);
}

std::vector<model::EntityVersion> ReadEntities(ByteReader& reader) {
  std::vector<model::EntityVersion> versions(reader.Count(kLeastEntityBytes));
  for (model::EntityVersion& version : versions) version = codec::ReadEntityVersion(reader);
  return versions;
}

void ReadSeries(ByteReader& reader, std::vector<std::string_view>& texts, SeriesRows& series) {
  texts.clear();
  series.labels.clear();
  series.tenant = reader.String();
  series.rows.resize(reader.Count(kLeastSeriesBytes));
  SeriesHandle next = 0;
  Id128 entity;
  for (SeriesRows::Row& row : series.rows) {
    row.handle = next + static_cast<uint64_t>(reader.Signed());
    next = row.handle + 1;
    row.metric = ReadText(reader, texts);
    if (reader.Byte() != 0) entity = codec::ReadId(reader);
    row.entity = entity;
    row.first_label = series.labels.size();
    row.label_count = reader.Count(2);
    std::string_view before;
    for (size_t i = 0; i < row.label_count; ++i) {
      SeriesRows::LabelText& label = series.labels.emplace_back();
      label.name = ReadText(reader, texts);
      label.value = ReadText(reader, texts);
      if ((i > 0 && label.name <= before) || label.value.empty()) return reader.Fail();
      before = label.name;
    }
  }
}

SeriesRecord AsRecord(const SeriesRows& series) {
  SeriesRecord record;
  record.tenant = series.tenant;
  for (const SeriesRows::Row& row : series.rows) {
    std::vector<Label> labels;
    for (const SeriesRows::LabelText& label : series.LabelsOf(row)) {
      labels.push_back({std::string(label.name), std::string(label.value)});
    }
    record.rows.push_back(
        {row.handle, {std::string(row.metric), row.entity, LabelSet(std::move(labels))}});
  }
  return record;
}

// What every batch begins with.
void ReadWriter(ByteReader& reader, WritersRecord::Row& row) {
  row.tenant = reader.String();
  row.writer.agent = codec::ReadId(reader);
  row.writer.epoch = reader.Varint();
  row.sequence = reader.Varint();
}

void ReadHandles(ByteReader& reader, std::vector<SeriesHandle>& handles) {
  const uint64_t count = reader.Varint();
  if (count > kMaxBatchSeries) reader.Fail();
  handles.clear();
  handles.reserve(reader.ok() ? count : 0);
  ReadRuns(reader, reader.ok() ? count : 0, [&](uint64_t first, uint64_t length) {
    for (uint64_t i = 0; i < length; ++i) handles.push_back(first + i);
  });
}

// What is read of a batch: by place, the number that a series has in what is read.
struct Chosen {
  absl::Span<const uint32_t> numbers;
  uint64_t missed = 0;  // samples of kMissed
};

struct Run {
  uint32_t first = 0;
  uint32_t length = 0;
};

// Calls read(number) for each value of the frame, by the number of its series.
template <typename Read>
bool ReadValues(absl::Span<const Run> runs, Chosen& chosen, Read read) {
  for (const Run& run : runs) {
    for (const uint32_t number : chosen.numbers.subspan(run.first, run.length)) {
      if (!read(number)) return false;
      chosen.missed += number == RecordVisitor::kMissed ? 1 : 0;
    }
  }
  return true;
}

void ReadValues(ByteReader& reader, absl::Span<const Run> runs, Chosen& chosen, FloatFrame& frame) {
  const auto* const begin = reinterpret_cast<const uint8_t*>(reader.rest().data());
  const uint8_t* const end = begin + reader.remaining();
  const uint8_t* at = begin;
  const bool whole = ReadValues(runs, chosen, [&](uint32_t number) {
    double value = 0;
    if (!codec::ReadFloat(at, end, value)) return false;
    if (number < RecordVisitor::kMissed) {
      frame.series.push_back(number);
      frame.values.push_back(value);
    }
    return true;
  });
  if (!whole) return reader.Fail();
  reader.Bytes(static_cast<size_t>(at - begin));
}

void ReadValues(ByteReader& reader, absl::Span<const Run> runs, Chosen& chosen,
                HistogramFrame& frame) {
  ReadValues(runs, chosen, [&](uint32_t number) {
    model::NativeHistogram value = codec::ReadHistogram(reader);
    if (number < RecordVisitor::kMissed) {
      frame.series.push_back(number);
      frame.values.push_back(std::move(value));
    }
    return reader.ok();
  });
}

template <typename Frame>
void ReadFrame(ByteReader& reader, size_t least_value_bytes, Chosen& chosen, std::vector<Run>& runs,
               Frame& frame) {
  frame.ts_ms = reader.Signed();
  const size_t count = reader.Count(least_value_bytes);
  runs.clear();
  ReadRuns(reader, count, [&](uint64_t first, uint64_t length) {
    if (first > chosen.numbers.size() || length > chosen.numbers.size() - first) {
      return reader.Fail();
    }
    runs.push_back({static_cast<uint32_t>(first), static_cast<uint32_t>(length)});
  });
  frame.series.clear();
  frame.values.clear();
  frame.series.reserve(count);
  frame.values.reserve(count);
  if (reader.ok()) ReadValues(reader, runs, chosen, frame);
}

// Everything before a batch's frames.
void ReadHead(ByteReader& reader, BatchRecord& record) {
  WriteBatch& batch = record.batch;
  WritersRecord::Row row;
  ReadWriter(reader, row);
  record.tenant = std::move(row.tenant);
  batch.writer = row.writer;
  batch.sequence = row.sequence;
  batch.entities = ReadEntities(reader);
  ReadHandles(reader, batch.series);
}

void ReadFrames(ByteReader& reader, Chosen& chosen, WriteBatch& batch) {
  std::vector<Run> runs;
  const auto read = [&](auto& frames, size_t least_value_bytes) {
    frames.resize(reader.Count(kLeastFrameBytes));
    for (auto& frame : frames) ReadFrame(reader, least_value_bytes, chosen, runs, frame);
  };
  read(batch.floats, kLeastFloatBytes);
  read(batch.histograms, kLeastHistogramBytes);
}

void ReadBatch(ByteReader& reader, BatchRecord& record) {
  ReadHead(reader, record);
  std::vector<uint32_t> all(record.batch.series.size());
  std::iota(all.begin(), all.end(), uint32_t{0});
  Chosen chosen{all};
  ReadFrames(reader, chosen, record.batch);
}

EntitiesRecord ReadEntitiesRecord(ByteReader& reader) {
  EntitiesRecord record;
  record.tenant = reader.String();
  record.versions = ReadEntities(reader);
  return record;
}

KeyedRecords ReadKeyedRecords(ByteReader& reader) {
  KeyedRecords record;
  record.tenant = reader.String();
  record.records = record::ReadRecords(reader);
  return record;
}

WritersRecord ReadWriterRows(ByteReader& reader) {
  WritersRecord record;
  record.rows.resize(reader.Count(kLeastWriterBytes));
  for (WritersRecord::Row& row : record.rows) {
    ReadWriter(reader, row);
  }
  return record;
}

// Calls visit(type, body) for each record, which is to read all of the body or false is given.
template <typename Visit>
absl::Status VisitRecords(std::string_view payload, Visit visit) {
  ByteReader reader(payload);
  while (!reader.AtEnd()) {
    const size_t offset = payload.size() - reader.remaining();
    const uint8_t type = reader.Byte();
    const uint8_t version = reader.Byte();
    ByteReader body(reader.String());
    if (reader.ok() && (version < kLeastRecordVersion || version > kRecordVersion ||
                        type > static_cast<uint8_t>(Type::kKeyed))) {
      return absl::UnimplementedError(
          fmt::format("record of type {}, version {} at offset {} of its frame is of another "
                      "version of this program",
                      type, version, offset));
    }
    if (!reader.ok() || !visit(static_cast<Type>(type), body)) {
      return absl::DataLossError(
          fmt::format("malformed record of type {} at offset {} of its frame", type, offset));
    }
  }
  return absl::OkStatus();
}

}  // namespace

void SeriesRecordWriter::BeginRow(SeriesHandle handle, std::string_view metric, const Id128& entity,
                                  size_t labels) {
  ++rows_;
  AppendSigned(static_cast<int64_t>(handle - next_), body_);
  next_ = handle + 1;
  AppendText(metric);
  const bool is_other = entity != entity_;
  body_.push_back(is_other ? 1 : 0);
  if (is_other) codec::AppendId(entity, body_);
  entity_ = entity;
  AppendVarint(labels, body_);
}

void SeriesRecordWriter::AddLabel(std::string_view name, std::string_view value) {
  AppendText(name);
  AppendText(value);
}

void SeriesRecordWriter::AppendText(std::string_view text) {
  const auto [it, added] = numbers_.try_emplace(text, numbers_.size() + 1);
  AppendVarint(added ? 0 : it->second, body_);
  if (added) AppendString(text, body_);
}

void SeriesRecordWriter::AppendTo(std::string_view tenant, std::string& out) const {
  std::string body;
  AppendString(tenant, body);
  AppendVarint(rows_, body);
  body += body_;
  AppendFramed(Type::kSeries, body, out);
}

void AppendRecord(const SeriesRecord& record, std::string& out) {
  SeriesRecordWriter writer;
  for (const SeriesRecord::Row& row : record.rows) {
    const model::SeriesDefinition& series = row.definition;
    writer.BeginRow(row.handle, series.metric, series.entity, series.residual.size());
    for (const Label& label : series.residual) writer.AddLabel(label.name, label.value);
  }
  writer.AppendTo(record.tenant, out);
}

void AppendRecord(std::string_view tenant, const WriteBatch& batch, std::string& out) {
  std::string body;
  AppendString(tenant, body);
  codec::AppendId(batch.writer.agent, body);
  AppendVarint(batch.writer.epoch, body);
  AppendVarint(batch.sequence, body);
  AppendEntities(batch.entities, body);
  AppendVarint(batch.series.size(), body);
  AppendRuns(batch.series, body);
  AppendVarint(batch.floats.size(), body);
  for (const FloatFrame& frame : batch.floats) {
    AppendSigned(frame.ts_ms, body);
    AppendVarint(frame.series.size(), body);
    AppendRuns(frame.series, body);
    for (double value : frame.values) codec::AppendFloat(value, body);
  }
  AppendVarint(batch.histograms.size(), body);
  for (const HistogramFrame& frame : batch.histograms) {
    AppendSigned(frame.ts_ms, body);
    AppendVarint(frame.series.size(), body);
    AppendRuns(frame.series, body);
    for (const model::NativeHistogram& value : frame.values) codec::AppendHistogram(value, body);
  }
  AppendFramed(Type::kBatch, body, out);
}

void AppendRecord(const WritersRecord& record, std::string& out) {
  std::string body;
  AppendVarint(record.rows.size(), body);
  for (const WritersRecord::Row& row : record.rows) {
    AppendString(row.tenant, body);
    codec::AppendId(row.writer.agent, body);
    AppendVarint(row.writer.epoch, body);
    AppendVarint(row.sequence, body);
  }
  AppendFramed(Type::kWriters, body, out);
}

void AppendRecord(const EntitiesRecord& record, std::string& out) {
  std::string body;
  AppendString(record.tenant, body);
  AppendEntities(record.versions, body);
  AppendFramed(Type::kEntities, body, out);
}

void AppendRecord(const KeyedRecords& record, std::string& out) {
  std::string body;
  AppendString(record.tenant, body);
  record::AppendRecords(record.records, body);
  AppendFramed(Type::kKeyed, body, out);
}

absl::Status ReadRecords(std::string_view payload, std::vector<Record>& records) {
  return VisitRecords(payload, [&records](Type type, ByteReader& body) {
    switch (type) {
      case Type::kSeries: {
        SeriesRows series;
        std::vector<std::string_view> texts;
        ReadSeries(body, texts, series);
        records.emplace_back(AsRecord(series));
        break;
      }
      case Type::kBatch:
        ReadBatch(body, std::get<BatchRecord>(records.emplace_back(BatchRecord())));
        break;
      case Type::kWriters:
        records.emplace_back(ReadWriterRows(body));
        break;
      case Type::kEntities:
        records.emplace_back(ReadEntitiesRecord(body));
        break;
      case Type::kKeyed:
        records.emplace_back(ReadKeyedRecords(body));
        break;
      default:
        return false;
    }
    return body.ok() && body.AtEnd();
  });
}

absl::Status RecordReader::Read(std::string_view payload, RecordVisitor& visitor) {
  return VisitRecords(payload, [this, &visitor](Type type, ByteReader& body) {
    const auto visit_whole = [&](auto& record) {
      const bool whole = body.ok() && body.AtEnd();
      if (whole) visitor.Visit(record);
      return whole;
    };
    switch (type) {
      case Type::kSeries:
        ReadSeries(body, texts_, series_);
        return visit_whole(series_);
      case Type::kBatch: {
        ReadHead(body, batch_);
        numbers_.assign(batch_.batch.series.size(), RecordVisitor::kLeftOut);
        visitor.Choose(batch_.tenant, batch_.batch.series, absl::MakeSpan(numbers_));
        Chosen chosen{numbers_};
        ReadFrames(body, chosen, batch_.batch);
        if (!body.ok() || !body.AtEnd()) return false;
        visitor.Visit(batch_, chosen.missed);
        return true;
      }
      case Type::kWriters:
        return true;
      case Type::kEntities: {
        EntitiesRecord record = ReadEntitiesRecord(body);
        return visit_whole(record);
      }
      case Type::kKeyed: {
        KeyedRecords record = ReadKeyedRecords(body);
        return visit_whole(record);
      }
    }
    return false;
  });
}

absl::Status ReadWriters(std::string_view payload, WritersRecord& writers) {
  return VisitRecords(payload, [&writers](Type type, ByteReader& body) {
    if (type == Type::kBatch) ReadWriter(body, writers.rows.emplace_back());
    if (type == Type::kWriters) {
      WritersRecord record = ReadWriterRows(body);
      std::move(record.rows.begin(), record.rows.end(), std::back_inserter(writers.rows));
    }
    return body.ok();
  });
}

}  // namespace leadline::collector::store::log
