// What exemplars a store has, as text.
#pragma once

#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "collector/store/record/exemplars.h"
#include "collector/store/store.h"

namespace leadline::collector::remote::write {

// "value@offset {labels}" of each of a series, or of all where the labels are empty; offsets from
// `since_ms`.
inline std::vector<std::string> StoredExemplars(const store::Queryable& queryable, int64_t since_ms,
                                                const LabelSet& series = {}) {
  store::RecordFilter filter{.table = model::RecordTable::kExemplars};
  if (!series.empty()) {
    const std::vector<LabelView> labels = [&] {
      std::vector<LabelView> views;
      for (const Label& label : series) views.push_back({label.name, label.value});
      return views;
    }();
    filter.key_ranges = {
        store::record::ExemplarKeys(store::record::ExemplarSeriesId(labels), 0, model::kOpenEnd)};
  }
  const auto records = queryable.Records("default", filter);
  EXPECT_TRUE(records.ok()) << records.status();
  std::vector<std::string> texts;
  if (!records.ok()) return texts;
  for (const model::Record& record : *records) {
    const auto exemplar = store::record::AsExemplar(record);
    EXPECT_TRUE(exemplar.has_value());
    if (!exemplar) continue;
    texts.push_back(fmt::format("{}@{} {}", exemplar->value, exemplar->ts_ms - since_ms,
                                exemplar->labels.ToString()));
  }
  return texts;
}

}  // namespace leadline::collector::remote::write
