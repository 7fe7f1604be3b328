// A store in a directory of its own, with waiting calls.
#pragma once

#include <cstdint>
#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "collector/store/engine/open.h"
#include "tests/unit/collector/store/temp_dir.h"

namespace leadline::collector::store::engine {

inline constexpr int64_t kT0 = 1'700'006'400'000;  // 2023-11-15T00:00:00Z
inline constexpr int64_t kDay = int64_t{24} * 3600 * 1000;
inline constexpr char kTenant[] = "default";

inline Matcher Equal(std::string name, std::string value) {
  return {Matcher::Op::kEqual, std::move(name), std::move(value)};
}
inline Matcher Name(std::string metric) { return Equal("__name__", std::move(metric)); }

class StoreFixture : public testing::Test {
 protected:
  StoreFixture() { options_.dir = dir_.File("data"); }

  void SetUp() override { Open(); }

  void Open() {
    store_.reset();
    auto opened = OpenStore(options_);
    ASSERT_TRUE(opened.ok()) << opened.status();
    store_ = *std::move(opened);
  }

  absl::Status TryAppend(WriteBatch batch, const std::string& tenant = kTenant) {
    std::promise<absl::Status> outcome;
    store_->Append(tenant, std::move(batch),
                   [&](const absl::Status& status) { outcome.set_value(status); });
    return outcome.get_future().get();
  }

  void Append(WriteBatch batch, const std::string& tenant = kTenant) {
    const absl::Status status = TryAppend(std::move(batch), tenant);
    ASSERT_TRUE(status.ok()) << status;
  }

  SeriesHandle Resolve(const model::SeriesDefinition& series, const std::string& tenant = kTenant) {
    const auto handles = store_->Resolve(tenant, {series});
    EXPECT_TRUE(handles.ok()) << handles.status();
    return handles.ok() ? handles->front() : 0;
  }

  // One sample.
  WriteBatch Sample(const model::SeriesDefinition& series, int64_t ts_ms, double value) {
    WriteBatch batch;
    batch.series = {Resolve(series)};
    batch.floats.push_back({ts_ms, {0}, {value}});
    return batch;
  }
  // At kT0 and every `step_ms` after, with values from 0 on, in one batch.
  void AppendRun(const model::SeriesDefinition& series, int64_t count, int64_t step_ms) {
    WriteBatch batch;
    batch.series = {Resolve(series)};
    for (int64_t i = 0; i < count; ++i) {
      batch.floats.push_back({kT0 + i * step_ms, {0}, {static_cast<double>(i)}});
    }
    Append(std::move(batch));
  }
  void AppendSample(const model::SeriesDefinition& series, int64_t ts_ms, double value) {
    Append(Sample(series, ts_ms, value));
  }

  std::vector<SeriesBlock> Select(const std::vector<Matcher>& matchers, SelectHints hints = {},
                                  const std::string& tenant = kTenant) {
    if (hints.end_ms == 0) hints.end_ms = kT0 + 100 * kDay;
    auto blocks = store_->queryable().Select(tenant, matchers, hints);
    EXPECT_TRUE(blocks.ok()) << blocks.status();
    return blocks.ok() ? *std::move(blocks) : std::vector<SeriesBlock>();
  }

  void Flush() {
    const absl::Status status = store_->Flush();
    ASSERT_TRUE(status.ok()) << status;
  }

  TempDir dir_;
  ManualClock clock_{kT0 + kDay};
  StoreOptions options_{.clock = &clock_};
  std::unique_ptr<Store> store_;
};

inline model::EntityVersion Container(const std::string& name, LabelSet labels, int64_t start_ms,
                                      uint64_t revision = 1) {
  model::EntityVersion version;
  version.id = HashId({"container", name});
  version.labels = std::move(labels);
  version.start_ms = start_ms;
  version.valid_from_ms = start_ms;
  version.revision = revision;
  return version;
}

// "{labels} ts=value ts=value", times since kT0.
inline std::string Text(const SeriesBlock& block) {
  std::string text = block.labels->ToString();
  for (size_t i = 0; i < block.ts_ms.size(); ++i) {
    text += " " + std::to_string(block.ts_ms[i] - kT0) + "=";
    text += model::IsStaleNan(block.values[i])
                ? "stale"
                : std::to_string(static_cast<int64_t>(block.values[i]));
  }
  for (size_t i = 0; i < block.histogram_ts_ms.size(); ++i) {
    text += " " + std::to_string(block.histogram_ts_ms[i] - kT0) + "=h" +
            std::to_string(block.histograms[i].count);
  }
  return text;
}

inline std::vector<std::string> Texts(const std::vector<SeriesBlock>& blocks) {
  std::vector<std::string> texts;
  texts.reserve(blocks.size());
  for (const SeriesBlock& block : blocks) texts.push_back(Text(block));
  return texts;
}

}  // namespace leadline::collector::store::engine
