#include "collector/store/log/record.h"

#include <bit>
#include <utility>

#include <fmt/format.h>

#include "collector/store/codec/model_codec.h"
#include "common/bytes.h"

namespace leadline::collector::store::log {
namespace {

// On disk: never renumber.
enum class Type : uint8_t { kSeries = 1, kBatch = 2, kWriters = 3, kEntities = 4 };

constexpr size_t kLeastSeriesBytes = 1 + 1 + 16 + 1;
constexpr size_t kLeastEntityBytes = 16 + 1 + 1 + 1 + 1 + 1 + 1 + 1;
constexpr size_t kLeastWriterBytes = 1 + 16 + 1 + 1;
constexpr size_t kLeastFrameBytes = 2;
constexpr size_t kFloatBytes = 1 + 8;
constexpr size_t kLeastHistogramBytes = 1 + 1 + 1 + 8 + 1 + 1 + 8 + 1 + 1;

void AppendFramed(Type type, std::string_view body, std::string& out) {
  out.push_back(static_cast<char>(type));
  out.push_back(static_cast<char>(kRecordVersion));
  AppendString(body, out);
}

template <typename Unsigned>
void AppendDeltas(const std::vector<Unsigned>& values, std::string& out) {
  uint64_t previous = 0;
  for (const Unsigned value : values) {
    AppendSigned(static_cast<int64_t>(value - previous), out);
    previous = value;
  }
}

template <typename Unsigned>
void ReadDeltas(ByteReader& reader, std::vector<Unsigned>& values) {
  uint64_t previous = 0;
  for (Unsigned& value : values) {
    previous += static_cast<uint64_t>(reader.Signed());
    value = static_cast<Unsigned>(previous);
    if (value != previous) reader.Fail();
  }
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

SeriesRecord ReadSeries(ByteReader& reader) {
  SeriesRecord record;
  record.tenant = reader.String();
  record.rows.resize(reader.Count(kLeastSeriesBytes));
  for (SeriesRecord::Row& row : record.rows) {
    row.handle = reader.Varint();
    row.definition.metric = reader.String();
    row.definition.entity = codec::ReadId(reader);
    row.definition.residual = codec::ReadLabels(reader);
  }
  return record;
}

template <typename Frame>
void CheckIndices(ByteReader& reader, const Frame& frame, size_t series) {
  for (uint32_t index : frame.series) {
    if (index >= series) reader.Fail();
  }
}

BatchRecord ReadBatch(ByteReader& reader) {
  BatchRecord record;
  WriteBatch& batch = record.batch;
  record.tenant = reader.String();
  batch.writer.agent = codec::ReadId(reader);
  batch.writer.epoch = reader.Varint();
  batch.sequence = reader.Varint();
  batch.entities = ReadEntities(reader);
  batch.series.resize(reader.Count());
  ReadDeltas(reader, batch.series);
  batch.floats.resize(reader.Count(kLeastFrameBytes));
  for (FloatFrame& frame : batch.floats) {
    frame.ts_ms = reader.Signed();
    frame.series.resize(reader.Count(kFloatBytes));
    frame.values.resize(frame.series.size());
    ReadDeltas(reader, frame.series);
    for (double& value : frame.values) value = std::bit_cast<double>(reader.Fixed64());
    CheckIndices(reader, frame, batch.series.size());
  }
  batch.histograms.resize(reader.Count(kLeastFrameBytes));
  for (HistogramFrame& frame : batch.histograms) {
    frame.ts_ms = reader.Signed();
    frame.series.resize(reader.Count(kLeastHistogramBytes));
    frame.values.resize(frame.series.size());
    ReadDeltas(reader, frame.series);
    for (model::NativeHistogram& value : frame.values) value = codec::ReadHistogram(reader);
    CheckIndices(reader, frame, batch.series.size());
  }
  return record;
}

WritersRecord ReadWriters(ByteReader& reader) {
  WritersRecord record;
  record.rows.resize(reader.Count(kLeastWriterBytes));
  for (WritersRecord::Row& row : record.rows) {
    row.tenant = reader.String();
    row.writer.agent = codec::ReadId(reader);
    row.writer.epoch = reader.Varint();
    row.sequence = reader.Varint();
  }
  return record;
}

}  // namespace

void AppendRecord(const SeriesRecord& record, std::string& out) {
  std::string body;
  AppendString(record.tenant, body);
  AppendVarint(record.rows.size(), body);
  for (const SeriesRecord::Row& row : record.rows) {
    AppendVarint(row.handle, body);
    AppendString(row.definition.metric, body);
    codec::AppendId(row.definition.entity, body);
    codec::AppendLabels(row.definition.residual, body);
  }
  AppendFramed(Type::kSeries, body, out);
}

void AppendRecord(std::string_view tenant, const WriteBatch& batch, std::string& out) {
  std::string body;
  AppendString(tenant, body);
  codec::AppendId(batch.writer.agent, body);
  AppendVarint(batch.writer.epoch, body);
  AppendVarint(batch.sequence, body);
  AppendEntities(batch.entities, body);
  AppendVarint(batch.series.size(), body);
  AppendDeltas(batch.series, body);
  AppendVarint(batch.floats.size(), body);
  for (const FloatFrame& frame : batch.floats) {
    AppendSigned(frame.ts_ms, body);
    AppendVarint(frame.series.size(), body);
    AppendDeltas(frame.series, body);
    for (double value : frame.values) AppendFixed64(std::bit_cast<uint64_t>(value), body);
  }
  AppendVarint(batch.histograms.size(), body);
  for (const HistogramFrame& frame : batch.histograms) {
    AppendSigned(frame.ts_ms, body);
    AppendVarint(frame.series.size(), body);
    AppendDeltas(frame.series, body);
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

absl::Status ReadRecords(std::string_view payload, std::vector<Record>& records) {
  ByteReader reader(payload);
  while (!reader.AtEnd()) {
    const size_t offset = payload.size() - reader.remaining();
    const uint8_t type = reader.Byte();
    const uint8_t version = reader.Byte();
    ByteReader body(reader.String());
    if (reader.ok() &&
        (version != kRecordVersion || type > static_cast<uint8_t>(Type::kEntities))) {
      return absl::UnimplementedError(
          fmt::format("record of type {}, version {} at offset {} of its frame is of another "
                      "version of this program",
                      type, version, offset));
    }
    switch (static_cast<Type>(type)) {
      case Type::kSeries:
        records.emplace_back(ReadSeries(body));
        break;
      case Type::kBatch:
        records.emplace_back(ReadBatch(body));
        break;
      case Type::kWriters:
        records.emplace_back(ReadWriters(body));
        break;
      case Type::kEntities: {
        EntitiesRecord record;
        record.tenant = body.String();
        record.versions = ReadEntities(body);
        records.emplace_back(std::move(record));
        break;
      }
      default:
        body.Fail();
    }
    if (!reader.ok() || !body.ok() || !body.AtEnd()) {
      return absl::DataLossError(
          fmt::format("malformed record of type {} at offset {} of its frame", type, offset));
    }
  }
  return absl::OkStatus();
}

}  // namespace leadline::collector::store::log
