// Postings as the value of a row, and how RocksDB merges two of them: one behind the other.
//
// Format: docs/format/window.md. Pure functions.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/types/span.h"
#include <roaring/roaring.hh>

namespace rocksdb {
class MergeOperator;
}  // namespace rocksdb

namespace leadline::collector::store::window {

// REQUIRES: `ordinals` ascend, each once.
void AppendPostings(absl::Span<const uint32_t> ordinals, std::string& out);

// Adds what a row holds to `out`. False when it is malformed.
bool ReadPostings(std::string_view row, Roaring& out);

// For the options of a window.
std::shared_ptr<rocksdb::MergeOperator> PostingsMerge();

}  // namespace leadline::collector::store::window
