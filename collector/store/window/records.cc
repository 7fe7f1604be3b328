// Window's records.
#include <algorithm>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/write_batch.h>

#include "collector/store/record/rows.h"
#include "collector/store/window/rocks.h"
#include "collector/store/window/window.h"
#include "common/status_macros.h"

namespace leadline::collector::store::window {

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
  const std::string prefix =
      filter.key ? record::KeyPrefix(tenant, filter.table, *filter.key) : table;
  const std::string first =
      filter.key ? record::RowKey(tenant, {.table = filter.table,
                                           .key = *filter.key,
                                           .ts_ms = std::max<int64_t>(0, filter.start_ms)})
                 : prefix;
  const std::unique_ptr<rocksdb::Iterator> rows(db_->NewIterator(Reading()));
  for (rows->Seek(first); rows->Valid() && rows->key().starts_with(prefix); rows->Next()) {
    auto record = record::ParseRow(filter.table, table.size(), rows->key().ToStringView(),
                                   rows->value().ToStringView());
    if (!record.has_value()) {
      return DamagedWindow(path_, fmt::format("window {}: a malformed record of table {}", path_,
                                              static_cast<int>(filter.table)));
    }
    if (filter.key && record->ts_ms > filter.end_ms) break;
    if (record->ts_ms < filter.start_ms || record->ts_ms > filter.end_ms) continue;
    out[{record->ts_ms, std::move(record->key)}] = std::move(record->value);
    if (out.size() > filter.limit) {
      return absl::ResourceExhaustedError(
          fmt::format("more than {} records are in the range, which is the limit", filter.limit));
    }
  }
  return FromRocks(rows->status(), path_, "read the records of");
}

}  // namespace leadline::collector::store::window
