// Records as bytes: rows of a window, and lists of them in the log.
//
// Format: docs/format/record.md. Readers give nothing, or fail their reader, for what is malformed.
// Pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"

#include "collector/model/entity.h"
#include "collector/model/record.h"
#include "common/bytes.h"

namespace leadline::collector::store::record {

inline constexpr size_t kMaxKeyBytes = 1024;
inline constexpr size_t kMaxValueBytes = 1 << 20;

// The first byte of records' keys among the tables of a window.
inline constexpr char kWindowTable = 12;

// The low `bytes` of a number, so that the order of bytes is that of numbers.
void AppendBigEndian(uint64_t value, size_t bytes, std::string& out);

// What the keys of all records of a table begin with, of those with keys of a length, and of those
// of one key of it. Keys of equal length ascend with their bytes, records of one key with time.
std::string TablePrefix(std::string_view tenant, model::RecordTable table);
std::string LengthPrefix(std::string_view tenant, model::RecordTable table, size_t key_bytes);
std::string KeyPrefix(std::string_view tenant, model::RecordTable table, std::string_view key);
std::string RowKey(std::string_view tenant, const model::Record& record);

// The record of a row whose key begins with TablePrefix(tenant, table), of `prefix_bytes`. The
// value has a version byte in front.
std::optional<model::Record> ParseRow(model::RecordTable table, size_t prefix_bytes,
                                      std::string_view key, std::string_view value);
std::string RowValue(const model::Record& record);

// Whether it may be kept: INVALID_ARGUMENT for a key or a value that is too long, a time out of
// range.
absl::Status CheckRecord(const model::Record& record);

void AppendRecords(absl::Span<const model::Record> records, std::string& out);
std::vector<model::Record> ReadRecords(ByteReader& reader);

// A version of an entity that was learned at that time, as a record of kEntityVersions.
std::string KeyOfEntity(const Id128& id);
model::Record OfEntityVersion(const model::EntityVersion& version, int64_t learned_ms);
std::optional<model::EntityVersion> AsEntityVersion(const model::Record& record);

}  // namespace leadline::collector::store::record
