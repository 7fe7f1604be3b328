#include "agent/spool/reader.h"

#include <utility>

#include <fmt/format.h>

#include "common/status_macros.h"

namespace leadline::agent::spool {

absl::StatusOr<Reader::Batch> Reader::Read(const Location& location) {
  Batch batch;
  LL_ASSIGN_OR_RETURN(Record record, ReadRecord(dir_, location.segment, location.offset));
  if (index_ != nullptr) {
    const auto segment = index_->find(location.segment);
    if (segment == index_->end()) {
      return absl::NotFoundError(fmt::format("agent spool: no segment {}", location.segment));
    }
    if (std::exchange(segment_, location.segment) != location.segment) told_ = 0;
    const std::vector<uint64_t>& offsets = segment->second;
    size_t next = told_;
    for (; next < offsets.size() && offsets[next] <= location.offset; ++next) {
      if (offsets[next] == location.offset) {
        batch.definitions.push_back(std::move(record.definitions));
        continue;
      }
      LL_ASSIGN_OR_RETURN(Record before,
                          ReadRecord(dir_, location.segment, offsets[next], Parts::kDefinitions));
      batch.definitions.push_back(std::move(before.definitions));
    }
    told_ = next;
  }
  batch.wire = std::move(record.batch);
  return batch;
}

}  // namespace leadline::agent::spool
