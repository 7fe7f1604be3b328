#include "cli/debug/store_window.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ostream.h>

#include "cli/debug/store_records.h"
#include "cli/debug/wire_text.h"
#include "collector/store/codec/block.h"
#include "collector/store/codec/histograms.h"
#include "collector/store/record/rows.h"
#include "collector/store/rollup/buckets.h"
#include "collector/store/window/keys.h"
#include "collector/store/window/series_block.h"
#include "collector/store/window/walk.h"
#include "common/status_macros.h"

namespace leadline::cli {
namespace {

namespace window = collector::store::window;
namespace codec = collector::store::codec;
namespace keyed = collector::store::record;
namespace rollup = collector::store::rollup;

constexpr size_t kTopMetrics = 50;

// By the first byte of the keys; docs/format/window.md.
std::string TableName(std::string_view key) {
  constexpr std::string_view kNames[] = {"format", "entity",       "metric",    "series",
                                         "chunk",  "block",        "pending",   "writes",
                                         "label",  "entity label", "entity id", "entity series",
                                         "record", "rolled up",    "covered"};
  const auto table = static_cast<uint8_t>(key[0]);
  return table < std::size(kNames) ? std::string(kNames[table]) : fmt::format("table {}", table);
}

// By the first byte of the payload; docs/format/chunk.md and block.md.
std::string EncoderName(const codec::BlockRun& run) {
  if (run.kind == codec::ChunkKind::kHistogram) {
    return codec::HaveFloatCounts(run.payload, run.count) ? "histograms with float counts"
                                                          : "histograms";
  }
  if (run.payload.empty()) return "nothing";
  if (run.follows) return "differences from the run before";
  return fmt::format("floats of mode {}", static_cast<int>(static_cast<uint8_t>(run.payload[0])));
}

std::string ColumnName(const codec::BlockRun& run) {
  return std::string(rollup::NameOf(static_cast<rollup::Column>(run.place % rollup::kColumns)));
}

class WindowWriter {
 public:
  WindowWriter(const WindowDump& dump, std::ostream& out) : dump_(dump), out_(out) {}

  absl::Status Row(std::string_view key, std::string_view value) {
    ++rows_;
    if (key.empty()) return Malformed("a row without a key");
    Count(dump_.sizes ? &dump_.sizes->by_table[TableName(key)] : nullptr, key, value);
    switch (static_cast<uint8_t>(key[0])) {
      case static_cast<uint8_t>(window::Table::kFormat):
        return Format(value);
      case static_cast<uint8_t>(window::Table::kEntity):
        return Entity(key, value);
      case static_cast<uint8_t>(window::Table::kMetric):
        return Metric(key, value);
      case static_cast<uint8_t>(window::Table::kSeries):
        return Series(key, value);
      case static_cast<uint8_t>(window::Table::kBlock):
        return Block(key, value);
      case static_cast<uint8_t>(window::Table::kPending):
      case static_cast<uint8_t>(window::Table::kWrites):
      case static_cast<uint8_t>(window::Table::kSeriesLabel):
      case static_cast<uint8_t>(window::Table::kEntityLabel):
      case static_cast<uint8_t>(window::Table::kEntityId):
      case static_cast<uint8_t>(window::Table::kEntitySeries):
        return absl::OkStatus();
      case static_cast<uint8_t>(window::Table::kRolledUp):
      case static_cast<uint8_t>(window::Table::kCovered):
        return Mark(key);
      case static_cast<uint8_t>(keyed::kWindowTable):
        return Record(key, value);
      default:
        return Malformed(fmt::format("table {}", static_cast<int>(static_cast<uint8_t>(key[0]))));
    }
  }

  absl::Status problem() const { return problem_; }

 private:
  using Place = std::pair<std::string, uint32_t>;  // tenant and ordinal

  // Passed over, and told at the end.
  absl::Status Malformed(std::string_view what) {
    problem_.Update(
        absl::DataLossError(fmt::format("{}: row {} is malformed: {}", dump_.path, rows_, what)));
    return absl::OkStatus();
  }

  static void Count(WindowSizes::Size* size, std::string_view key, std::string_view value) {
    if (size == nullptr) return;
    ++size->rows;
    size->bytes += key.size() + value.size();
  }

  absl::Status Format(std::string_view value) const {
    const int version = value.empty() ? 0 : static_cast<uint8_t>(value[0]);
    if (version != window::kWindowVersion) {
      return absl::UnimplementedError(fmt::format("window {}: format {}; this program reads {}",
                                                  dump_.path, version, window::kWindowVersion));
    }
    if (!dump_.sizes) fmt::print(out_, "  format {}\n", version);
    return absl::OkStatus();
  }

  absl::Status Mark(std::string_view key) {
    const auto rolled_up = window::ParseRolledUpKey(key);
    const auto covered = window::ParseCoveredKey(key);
    if (!rolled_up && !covered) return Malformed("a mark of rollups");
    if (dump_.sizes || !dump_.metric.empty()) return absl::OkStatus();
    if (covered) {
      fmt::print(out_, "  covered of tenant {}: four hours {}\n", covered->tenant, covered->number);
    } else if (rolled_up->number == window::kBeginPart) {
      fmt::print(out_, "  rolled up of tenant {}: its begin\n", rolled_up->tenant);
    } else {
      fmt::print(out_, "  rolled up of tenant {}: part {}\n", rolled_up->tenant, rolled_up->number);
    }
    return absl::OkStatus();
  }

  absl::Status Record(std::string_view key, std::string_view value) {
    // table, tenant, table of records
    const size_t tenant_bytes = key.size() < 2 ? 0 : static_cast<uint8_t>(key[1]);
    const size_t prefix_bytes = 2 + tenant_bytes + 1;
    if (key.size() < prefix_bytes) return Malformed("a record's key");
    const auto table = static_cast<collector::model::RecordTable>(key[prefix_bytes - 1]);
    const auto record = keyed::ParseRow(table, prefix_bytes, key, value);
    if (!record) return Malformed("a record");
    if (dump_.sizes || !dump_.metric.empty()) return absl::OkStatus();
    fmt::print(out_, "  record of tenant {}: {}\n", key.substr(2, tenant_bytes),
               KeyedText(*record));
    return absl::OkStatus();
  }

  absl::Status Entity(std::string_view key, std::string_view value) {
    const auto parts = window::ParseRowKey(key);
    const auto row = window::ParseEntityRow(value);
    if (!parts || !row) return Malformed("entity");
    if (dump_.sizes || !dump_.metric.empty()) return absl::OkStatus();
    fmt::print(out_, "  entity {} of tenant {}: {}\n", parts->ordinal, parts->tenant,
               row->id.ToHex());
    for (const auto& version : row->timeline.versions()) {
      fmt::print(out_, "    {}\n", EntityText(version));
    }
    return absl::OkStatus();
  }

  absl::Status Metric(std::string_view key, std::string_view value) {
    const auto parts = window::ParseRowKey(key);
    if (!parts) return Malformed("metric");
    metrics_[{std::string(parts->tenant), parts->ordinal}] = value;
    if (!dump_.sizes && Wanted(value)) {
      fmt::print(out_, "  metric {} of tenant {}: {}\n", parts->ordinal, parts->tenant, value);
    }
    return absl::OkStatus();
  }

  absl::Status Series(std::string_view key, std::string_view value) {
    const auto parts = window::ParseRowKey(key);
    const auto rows = window::ParseSeriesBlock(value);
    if (!parts || !rows) return Malformed("series");
    uint32_t ordinal = parts->ordinal;
    for (const window::SeriesRow& row : *rows) {
      const collector::model::SeriesDefinition series = row.definition->ToModel();
      if (!dump_.sizes && Wanted(series.metric)) {
        fmt::print(out_, "  series {} of tenant {}: {}, {} of metric {}\n", ordinal, parts->tenant,
                   SeriesText(series), row.rank, row.metric);
      }
      ++ordinal;
    }
    return absl::OkStatus();
  }

  absl::Status Block(std::string_view key, std::string_view value) {
    const size_t tenant_bytes = key.size() < 2 ? 0 : static_cast<uint8_t>(key[1]);
    const std::string tenant(key.substr(std::min<size_t>(2, key.size()), tenant_bytes));
    const auto place = window::ParseBlockKey(key, window::BlockPrefix(tenant).size());
    if (!place) return Malformed("a block's key");
    const auto metric = metrics_.find({tenant, place->metric});
    if (metric == metrics_.end()) return Malformed("a block of an unknown metric");
    if (dump_.sizes) Count(&dump_.sizes->by_metric[metric->second], key, value);
    if (!dump_.sizes && !Wanted(metric->second)) return absl::OkStatus();
    const auto block = codec::BlockReader::Open(value);
    if (!block.ok()) return Malformed(std::string(block.status().message()));
    if (!dump_.sizes) {
      fmt::print(out_,
                 "  block of metric {} of tenant {}, part {}, group {}, write {}: {} "
                 "runs in {} bytes\n",
                 place->metric, tenant, place->part, place->group, place->write,
                 block->runs().size(), value.size());
    }
    for (const codec::BlockRun& run : block->runs()) {
      const std::string encoder = EncoderName(run);
      if (dump_.sizes) {
        Count(&dump_.sizes->by_encoder[encoder], "", run.payload);
        if (dump_.is_rollup) Count(&dump_.sizes->by_column[ColumnName(run)], "", run.payload);
        continue;
      }
      if (dump_.is_rollup) {
        fmt::print(out_, "    series at {}, {}: ", run.place / rollup::kColumns, ColumnName(run));
      } else {
        fmt::print(out_, "    series at {}: ", run.place);
      }
      fmt::print(out_, "{} {}{} from {} to {} in {} bytes\n", run.count, encoder,
                 run.ends ? " and a marker at the end," : "", TimeText(run.first_ms),
                 TimeText(run.last_ms), run.payload.size());
    }
    return absl::OkStatus();
  }

  bool Wanted(std::string_view metric) const {
    return dump_.metric.empty() || dump_.metric == metric;
  }

  const WindowDump& dump_;
  std::ostream& out_;
  uint64_t rows_ = 0;
  absl::Status problem_;
  std::map<Place, std::string> metrics_;
};

}  // namespace

absl::Status DumpWindow(const WindowDump& dump, std::ostream& out) {
  WindowWriter writer(dump, out);
  LL_RETURN_IF_ERROR(window::WalkRows(dump.path, [&](std::string_view key, std::string_view value) {
    return writer.Row(key, value);
  }));
  return writer.problem();
}

void WriteSizes(const WindowSizes& sizes, std::ostream& out) {
  const auto write = [&out](std::string_view what, const auto& by, size_t most) {
    std::vector<std::pair<std::string, WindowSizes::Size>> sorted(by.begin(), by.end());
    std::stable_sort(sorted.begin(), sorted.end(),
                     [](const auto& a, const auto& b) { return a.second.bytes > b.second.bytes; });
    if (sorted.size() > most) sorted.resize(most);
    for (const auto& [name, size] : sorted) {
      fmt::print(out, "{} {}: {} rows, {} bytes\n", what, name, size.rows, size.bytes);
    }
  };
  write("table", sizes.by_table, sizes.by_table.size());
  write("encoder", sizes.by_encoder, sizes.by_encoder.size());
  write("column", sizes.by_column, sizes.by_column.size());
  write("metric", sizes.by_metric, kTopMetrics);
}

}  // namespace leadline::cli
