// Window's records.
#include <algorithm>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/write_batch.h>

#include "collector/store/call_meter.h"
#include "collector/store/record/key_ranges.h"
#include "collector/store/record/rows.h"
#include "collector/store/window/rocks.h"
#include "collector/store/window/window.h"
#include "common/status_macros.h"

namespace leadline::collector::store::window {
namespace {

// That a record takes when it was found, beside its texts.
constexpr uint64_t kRecordBytes = 128;

}  // namespace

absl::Status Window::WriteRecords(std::string_view tenant,
                                  absl::Span<const model::Record> records) {
  rocksdb::WriteBatch batch;
  for (const model::Record& record : records) {
    batch.Put(record::RowKey(tenant, record), record::RowValue(record));
  }
  return Written(FromRocks(db_->Write(WithoutLog(), &batch), path_, "write"));
}

absl::Status Window::Records(std::string_view tenant, const RecordFilter& filter,
                             record::InTime& out) const {
  const std::string table = record::TablePrefix(tenant, filter.table);
  const auto row_key = [&](const std::string& key, int64_t ts_ms) {
    return record::RowKey(tenant, {.table = filter.table, .key = key, .ts_ms = ts_ms});
  };
  record::KeyRangeWalk ranges(filter.key_ranges);
  CallMeter meter(filter.limits);
  std::string prefix = table;
  std::string first = table;
  if (filter.key) {
    prefix = record::KeyPrefix(tenant, filter.table, *filter.key);
    first = row_key(*filter.key, std::max<int64_t>(0, filter.start_ms));
  } else if (ranges.is_bound()) {
    prefix = record::LengthPrefix(tenant, filter.table, ranges.key_bytes());
    first = row_key(filter.key_ranges.front().first, 0);
  }
  using Place = record::KeyRangeWalk::Place;
  const std::unique_ptr<rocksdb::Iterator> rows(db_->NewIterator(Reading()));
  rows->Seek(first);
  while (rows->Valid() && rows->key().starts_with(prefix)) {
    auto record = record::ParseRow(filter.table, table.size(), rows->key().ToStringView(),
                                   rows->value().ToStringView());
    if (!record.has_value()) {
      return DamagedWindow(path_, fmt::format("window {}: a malformed record of table {}", path_,
                                              static_cast<int>(filter.table)));
    }
    const Place place = ranges.is_bound() ? ranges.Find(record->key) : Place::kWithin;
    if (place == Place::kBehindAll || (filter.key && record->ts_ms > filter.end_ms)) break;
    if (place == Place::kBefore) {
      LL_RETURN_IF_ERROR(meter.Step());
      rows->Seek(row_key(ranges.range().first, 0));
      continue;
    }
    rows->Next();
    if (record->ts_ms < filter.start_ms || record->ts_ms > filter.end_ms) continue;
    LL_RETURN_IF_ERROR(meter.Step(kRecordBytes + record->key.size() + record->value.size()));
    out[{record->ts_ms, std::move(record->key)}] = std::move(record->value);
    if (out.size() > filter.limit) {
      return absl::ResourceExhaustedError(
          fmt::format("more than {} records are in the range, which is the limit", filter.limit));
    }
  }
  meter.Keep();
  return FromRocks(rows->status(), path_, "read the records of");
}

}  // namespace leadline::collector::store::window
