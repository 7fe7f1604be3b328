#include "collector/store/record/rows.h"

#include <utility>

#include <fmt/format.h>

#include "collector/store/codec/model_codec.h"

namespace leadline::collector::store::record {
namespace {

constexpr uint8_t kRowVersion = 1;
constexpr size_t kTimeBytes = 8;
constexpr size_t kLengthBytes = 2;

uint64_t ReadBigEndian(std::string_view bytes) {
  uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

}  // namespace

void AppendBigEndian(uint64_t value, size_t bytes, std::string& out) {
  for (size_t i = bytes; i-- > 0;) out.push_back(static_cast<char>(value >> (8 * i)));
}

std::string TablePrefix(std::string_view tenant, model::RecordTable table) {
  std::string prefix(1, kWindowTable);
  prefix.push_back(static_cast<char>(tenant.size()));
  prefix += tenant;
  prefix.push_back(static_cast<char>(table));
  return prefix;
}

std::string LengthPrefix(std::string_view tenant, model::RecordTable table, size_t key_bytes) {
  std::string prefix = TablePrefix(tenant, table);
  AppendBigEndian(key_bytes, kLengthBytes, prefix);
  return prefix;
}

std::string KeyPrefix(std::string_view tenant, model::RecordTable table, std::string_view key) {
  std::string prefix = LengthPrefix(tenant, table, key.size());
  prefix += key;
  return prefix;
}

std::string RowKey(std::string_view tenant, const model::Record& record) {
  std::string key = KeyPrefix(tenant, record.table, record.key);
  AppendBigEndian(static_cast<uint64_t>(record.ts_ms), kTimeBytes, key);
  return key;
}

std::string RowValue(const model::Record& record) {
  std::string value(1, static_cast<char>(kRowVersion));
  value += record.value;
  return value;
}

std::optional<model::Record> ParseRow(model::RecordTable table, size_t prefix_bytes,
                                      std::string_view key, std::string_view value) {
  if (key.size() < prefix_bytes + kLengthBytes + kTimeBytes) return std::nullopt;
  key.remove_prefix(prefix_bytes);
  const uint64_t length = ReadBigEndian(key.substr(0, kLengthBytes));
  key.remove_prefix(kLengthBytes);
  if (key.size() != length + kTimeBytes) return std::nullopt;
  const uint64_t ts_ms = ReadBigEndian(key.substr(length));
  if (ts_ms > static_cast<uint64_t>(INT64_MAX)) return std::nullopt;
  if (value.empty() || static_cast<uint8_t>(value[0]) != kRowVersion) return std::nullopt;
  return model::Record{.table = table,
                       .key = std::string(key.substr(0, length)),
                       .ts_ms = static_cast<int64_t>(ts_ms),
                       .value = std::string(value.substr(1))};
}

absl::Status CheckRecord(const model::Record& record) {
  if (record.key.empty() || record.key.size() > kMaxKeyBytes) {
    return absl::InvalidArgumentError(fmt::format(
        "a record's key has {} bytes; 1 to {} are allowed", record.key.size(), kMaxKeyBytes));
  }
  if (record.value.size() > kMaxValueBytes) {
    return absl::InvalidArgumentError(fmt::format("a record's value has {} bytes; the limit is {}",
                                                  record.value.size(), kMaxValueBytes));
  }
  if (record.ts_ms < 0) {
    return absl::InvalidArgumentError(
        fmt::format("a record's time is {} ms, before 1970", record.ts_ms));
  }
  return absl::OkStatus();
}

void AppendRecords(absl::Span<const model::Record> records, std::string& out) {
  AppendVarint(records.size(), out);
  for (const model::Record& record : records) {
    out.push_back(static_cast<char>(record.table));
    AppendString(record.key, out);
    AppendSigned(record.ts_ms, out);
    AppendString(record.value, out);
  }
}

std::vector<model::Record> ReadRecords(ByteReader& reader) {
  constexpr size_t kLeastBytes = 4;
  std::vector<model::Record> records;
  const size_t count = reader.Count(kLeastBytes);
  records.reserve(count);
  for (size_t i = 0; i < count && reader.ok(); ++i) {
    model::Record& record = records.emplace_back();
    record.table = static_cast<model::RecordTable>(reader.Byte());
    record.key = reader.String();
    record.ts_ms = reader.Signed();
    record.value = reader.String();
    if (reader.ok() && !CheckRecord(record).ok()) reader.Fail();
  }
  return records;
}

std::string KeyOfEntity(const Id128& id) {
  std::string key;
  codec::AppendId(id, key);
  return key;
}

model::Record OfEntityVersion(const model::EntityVersion& version, int64_t learned_ms) {
  model::Record record{.table = model::RecordTable::kEntityVersions,
                       .key = KeyOfEntity(version.id),
                       .ts_ms = learned_ms};
  codec::AppendEntityVersion(version, record.value);
  return record;
}

std::optional<model::EntityVersion> AsEntityVersion(const model::Record& record) {
  ByteReader reader(record.value);
  model::EntityVersion version = codec::ReadEntityVersion(reader);
  if (!reader.ok() || !reader.AtEnd()) return std::nullopt;
  return version;
}

}  // namespace leadline::collector::store::record
