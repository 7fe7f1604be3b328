// Keys and dictionary rows of a window's RocksDB.
//
// Format: docs/format/window.md. Readers give nothing for what is malformed. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "collector/model/entity_timeline.h"
#include "collector/store/codec/chunk.h"
#include "common/id128.h"
#include "common/labels.h"

namespace leadline::collector::store::window {

inline constexpr uint8_t kWindowVersion = 1;
inline constexpr size_t kMaxTenantBytes = 255;

// On disk: never renumber. The first byte of every key.
enum class Table : uint8_t {
  kFormat = 0,  // one row: the window's version
  kEntity = 1,  // tenant, entity ordinal -> versions
  kMetric = 2,  // tenant, metric ordinal -> name
  kSeries = 3,  // tenant, series ordinal -> metric and entity ordinal, residual labels
  kChunk = 4,   // tenant, metric ordinal, series ordinal, kind, first timestamp -> chunk
};

std::string FormatKey();
std::string RowKey(Table table, std::string_view tenant, uint32_t ordinal);

// A series' chunks of one kind have keys that begin with the same prefix and are in time order.
std::string ChunkPrefix(std::string_view tenant, uint32_t metric, uint32_t series,
                        codec::ChunkKind kind);
std::string ChunkKey(std::string_view prefix, int64_t first_ms);
// Of a key that begins with a chunk prefix.
int64_t ChunkKeyFirstMs(std::string_view key);

struct RowKeyParts {
  Table table = Table::kFormat;
  std::string_view tenant;  // into the key
  uint32_t ordinal = 0;
};
// Of an entity, metric or series row.
std::optional<RowKeyParts> ParseRowKey(std::string_view key);

struct EntityRow {
  Id128 id;
  model::EntityTimeline timeline;  // empty when no version is known
};
std::string EncodeEntityRow(const EntityRow& row);
std::optional<EntityRow> ParseEntityRow(std::string_view row);

struct SeriesRow {
  uint32_t metric = 0;
  uint32_t entity = 0;
  LabelSet residual;
};
std::string EncodeSeriesRow(const SeriesRow& row);
std::optional<SeriesRow> ParseSeriesRow(std::string_view row);

}  // namespace leadline::collector::store::window
