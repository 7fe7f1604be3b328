#include "cli/debug/store_records.h"

#include <variant>

#include <fmt/format.h>
#include <fmt/ostream.h>

#include "catalogue/metrics.h"
#include "cli/debug/wire_text.h"
#include "collector/store/record/exemplars.h"
#include "collector/store/record/rows.h"

namespace leadline::cli {
namespace {

namespace keyed = collector::store::record;
namespace log = collector::store::log;
namespace model = collector::model;

class RecordWriter {
 public:
  RecordWriter(const std::string& metric, std::ostream& out) : metric_(metric), out_(out) {}

  void operator()(const log::SeriesRecord& record) const {
    fmt::print(out_, "    definitions of tenant {}: {} series\n", record.tenant,
               record.rows.size());
    for (const log::SeriesRecord::Row& row : record.rows) {
      if (!metric_.empty() && row.definition.metric != metric_) continue;
      fmt::print(out_, "      series {} {}\n", row.handle, SeriesText(row.definition));
    }
  }

  void operator()(const log::BatchRecord& record) const {
    const auto& batch = record.batch;
    size_t floats = 0;
    for (const auto& frame : batch.floats) floats += frame.series.size();
    size_t histograms = 0;
    size_t with_floats = 0;
    for (const auto& frame : batch.histograms) {
      histograms += frame.series.size();
      for (const auto& value : frame.values) with_floats += value.float_counts ? 1 : 0;
    }
    fmt::print(out_,
               "    batch {} of agent {} epoch {} of tenant {}: {} entities, {} series, {} floats, "
               "{} histograms{}\n",
               batch.sequence, batch.writer.agent.ToHex(), batch.writer.epoch, record.tenant,
               batch.entities.size(), batch.series.size(), floats, histograms,
               with_floats > 0 ? fmt::format(", {} with float counts", with_floats) : "");
    for (const model::EntityVersion& version : batch.entities) {
      fmt::print(out_, "      {}\n", EntityText(version));
    }
  }

  void operator()(const log::WritersRecord& record) const {
    fmt::print(out_, "    writers: {}\n", record.rows.size());
    for (const log::WritersRecord::Row& row : record.rows) {
      fmt::print(out_, "      agent {} epoch {} of tenant {} up to batch {}\n",
                 row.writer.agent.ToHex(), row.writer.epoch, row.tenant, row.sequence);
    }
  }

  void operator()(const log::EntitiesRecord& record) const {
    fmt::print(out_, "    entities of tenant {}: {} versions\n", record.tenant,
               record.versions.size());
    for (const model::EntityVersion& version : record.versions) {
      fmt::print(out_, "      {}\n", EntityText(version));
    }
  }

  void operator()(const log::KeyedRecords& record) const {
    fmt::print(out_, "    records of tenant {}: {}\n", record.tenant, record.records.size());
    for (const model::Record& one : record.records) {
      fmt::print(out_, "      {}\n", KeyedText(one));
    }
  }

 private:
  const std::string& metric_;
  std::ostream& out_;
};

}  // namespace

std::string SeriesText(const model::SeriesDefinition& series) {
  return fmt::format("{}{} of entity {}", series.metric, series.residual.ToString(),
                     series.entity.ToHex());
}

std::string EntityText(const model::EntityVersion& version) {
  std::string text = fmt::format("entity {} {} {} kubernetes {} from {} revision {}",
                                 version.id.ToHex(), catalogue::EntityKindName(version.kind),
                                 version.labels.ToString(), version.kubernetes_labels.ToString(),
                                 TimeText(version.valid_from_ms), version.revision);
  if (version.end_ms != model::kOpenEnd) text += " ended " + TimeText(version.end_ms);
  return text;
}

std::string KeyedText(const model::Record& record) {
  const std::string at = TimeText(record.ts_ms);
  switch (record.table) {
    case model::RecordTable::kEntityVersions:
      if (const auto version = keyed::AsEntityVersion(record)) {
        return fmt::format("learned at {}: {}", at, EntityText(*version));
      }
      break;
    case model::RecordTable::kExemplars: {
      const auto series = keyed::SeriesOfExemplarKey(record.key);
      const auto exemplar = keyed::AsExemplar(record);
      if (!series || !exemplar) break;
      return fmt::format("exemplar of series {} at {}: {} {}", series->ToHex(), at, exemplar->value,
                         exemplar->labels.ToString());
    }
  }
  return fmt::format("table {} at {}: a key of {} bytes, a value of {}",
                     static_cast<int>(record.table), at, record.key.size(), record.value.size());
}

void WriteStoreRecord(const log::Record& record, const std::string& metric, std::ostream& out) {
  std::visit(RecordWriter(metric, out), record);
}

}  // namespace leadline::cli
