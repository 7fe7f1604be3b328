#include "cli/debug/wire_text.h"

#include <algorithm>

#include "absl/strings/escaping.h"
#include "absl/time/time.h"
#include <fmt/format.h>
#include <fmt/ostream.h>

namespace leadline::cli {
namespace {

using google::protobuf::RepeatedField;

std::string Text(const v1::Definitions& definitions, uint32_t index) {
  if (index == 0) return "";
  if (index > static_cast<uint32_t>(definitions.strings_size())) return "?";
  return definitions.strings(static_cast<int>(index) - 1);
}

std::string Labels(const v1::Definitions& definitions, const RepeatedField<uint32_t>& pairs) {
  std::string text = "{";
  for (int i = 0; i + 1 < pairs.size(); i += 2) {
    if (i > 0) text += ", ";
    text += fmt::format("{}=\"{}\"", Text(definitions, pairs[i]),
                        absl::Utf8SafeCHexEscape(Text(definitions, pairs[i + 1])));
  }
  return text + "}";
}

template <typename Values>
void WriteColumn(const char* name, const RepeatedField<uint32_t>& refs, const Values& values,
                 std::ostream& out) {
  if (refs.size() != values.size()) {
    fmt::print(out, "    {}: {} series and {} values\n", name, refs.size(), values.size());
  }
  uint32_t ref = 0;
  for (int i = 0; i < std::min(refs.size(), values.size()); ++i) {
    ref += refs[i];
    fmt::print(out, "    {} = {}\n", ref, values[i]);
  }
}

void WriteHistograms(const v1::HistogramColumns& columns, std::ostream& out) {
  const int count = std::min({columns.series_size(), columns.schema_size(), columns.sum_size(),
                              columns.zero_count_size(), columns.zero_threshold_size(),
                              columns.bucket_count_size()});
  if (count != columns.series_size()) {
    fmt::print(out, "    histograms: {} series, of which {} are whole\n", columns.series_size(),
               count);
  }
  uint32_t ref = 0;
  int bucket = 0;
  const int buckets = std::min(columns.bucket_index_size(), columns.bucket_value_size());
  for (int i = 0; i < count; ++i) {
    ref += columns.series(i);
    fmt::print(out, "    {} = schema {} sum {} zeros {} buckets", ref, columns.schema(i),
               columns.sum(i), columns.zero_count(i));
    int64_t index = 0;
    const uint32_t own = columns.bucket_count(i);
    for (uint32_t k = 0; k < own && bucket < buckets; ++k, ++bucket) {
      index += columns.bucket_index(bucket);
      fmt::print(out, " {}:{}", index, columns.bucket_value(bucket));
    }
    out << '\n';
  }
}

}  // namespace

std::string TimeText(int64_t unix_ms) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E3SZ", absl::FromUnixMillis(unix_ms),
                          absl::UTCTimeZone());
}

void WriteDefinitions(const v1::Definitions& definitions, std::ostream& out) {
  fmt::print(out, "definitions: {} entities, {} series\n", definitions.entities_size(),
             definitions.series_size());
  for (const v1::EntityDefinition& entity : definitions.entities()) {
    fmt::print(out, "  entity {} {} {} {} kubernetes {} from {} revision {}{}\n", entity.ref(),
               v1::EntityKind_Name(entity.kind()), absl::BytesToHexString(entity.id()),
               Labels(definitions, entity.labels()),
               Labels(definitions, entity.kubernetes_labels()),
               TimeText(entity.valid_from_unix_ms()), entity.revision(),
               entity.end_unix_ms() == 0 ? "" : " ended " + TimeText(entity.end_unix_ms()));
  }
  for (const v1::SeriesDefinition& series : definitions.series()) {
    fmt::print(out, "  series {} {}{} of entity {}\n", series.ref(),
               Text(definitions, series.metric()), Labels(definitions, series.labels()),
               series.entity());
  }
}

void WriteBatch(const v1::Batch& batch, std::ostream& out) {
  fmt::print(out, "batch {}", batch.sequence());
  if (batch.lost_batches() > 0) {
    fmt::print(out, ", behind {} lost ones with {} samples", batch.lost_batches(),
               batch.lost_samples());
  }
  out << '\n';
  for (const v1::Frame& frame : batch.frames()) {
    fmt::print(out, "  frame {}\n", TimeText(frame.timestamp_unix_ms()));
    WriteColumn("integers", frame.integer_series(), frame.integers(), out);
    WriteColumn("doubles", frame.double_series(), frame.doubles(), out);
    WriteHistograms(frame.histograms(), out);
  }
}

}  // namespace leadline::cli
