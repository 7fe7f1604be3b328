// Records: what is kept of things that happen, beside the samples of series. A record belongs to a
// table, is about a key (an entity, an object) and has a time; what its value is, the table says.
//
// Plain values.
#pragma once

#include <cstdint>
#include <string>

namespace leadline::collector::model {

// On disk: never renumber.
enum class RecordTable : uint8_t {
  kEntityVersions = 1,  // what was learned of an entity; key: its id, docs/format/record.md
  kExemplars = 2,       // of series of others; key: see store/record/exemplars.h
};

// Of one table and key there is one record a time: the one that was written last.
struct Record {
  RecordTable table = RecordTable::kEntityVersions;
  std::string key;
  int64_t ts_ms = 0;  // since the Unix epoch
  std::string value;

  bool operator==(const Record&) const = default;
};

}  // namespace leadline::collector::model
