// Records of windows and of the log: whatever is read is written and read again as the same.
#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "collector/store/record/exemplars.h"
#include "collector/store/record/rows.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace record = leadline::collector::store::record;
  namespace model = leadline::collector::model;
  constexpr model::RecordTable kTable = model::RecordTable::kEntityVersions;
  const std::string_view input(reinterpret_cast<const char*>(data), size);

  leadline::ByteReader list(input);
  const auto records = record::ReadRecords(list);
  if (list.ok()) {
    std::string bytes;
    record::AppendRecords(records, bytes);
    leadline::ByteReader again(bytes);
    if (record::ReadRecords(again) != records || !again.ok()) abort();
  }

  // A row: its key up to the byte that the first one tells, then its value.
  if (input.empty()) return 0;
  const size_t key_bytes = std::min<size_t>(static_cast<uint8_t>(input[0]), input.size());
  const size_t prefix_bytes = record::TablePrefix("default", kTable).size();
  const auto row =
      record::ParseRow(kTable, prefix_bytes, input.substr(0, key_bytes), input.substr(key_bytes));
  if (row.has_value()) {
    const std::string key = record::RowKey("default", *row);
    if (record::ParseRow(kTable, prefix_bytes, key, record::RowValue(*row)) != row) abort();
    record::AsEntityVersion(*row);
    record::SeriesOfExemplarKey(row->key);
    const auto exemplar = record::AsExemplar(*row);
    if (exemplar.has_value()) {
      const auto again = record::AsExemplar(record::OfExemplar({1, 2}, *exemplar));
      if (!again.has_value() || again->labels != exemplar->labels ||
          std::bit_cast<uint64_t>(again->value) != std::bit_cast<uint64_t>(exemplar->value)) {
        abort();
      }
    }
  }
  return 0;
}
