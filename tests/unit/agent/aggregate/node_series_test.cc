#include "agent/aggregate/node_series.h"

#include <set>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/source/node/node_reader.h"
#include "prometheus/registry.h"
#include "tests/unit/agent/aggregate/sample_collector.h"

namespace leadline::agent::aggregate {
namespace {

using testing::ElementsAre;

class NodeSeriesTest : public testing::Test {
 protected:
  Subject Node() {
    return {.entity = batcher_.DefineEntity({.id = {0, 1}, .start_ms = 1000}),
            .counted_from_ms = 1000,
            .ts_ms = 5000};
  }

  prometheus::Registry registry_;
  Batcher batcher_{BatcherOptions{}, registry_};
  Recorder recorder_{batcher_};
  SampleCollector collector_{batcher_};
  NodeSeries series_;
};

TEST_F(NodeSeriesTest, OfTheCataloguesNamesOnly) {
  series_.Record(Node(), "node_forks_total", {}, 7, recorder_);
  series_.Record(Node(), "node_vmstat_nr_dirty", {}, 8, recorder_);
  const source::FigureLabel vda[] = {{"device", "vda"}};
  const source::FigureLabel vdb[] = {{"device", "vdb"}};
  series_.Record(Node(), "node_disk_io_now", vda, 1, recorder_);
  series_.Record(Node(), "node_disk_io_now", vdb, 2, recorder_);
  EXPECT_THAT(collector_.Take(),
              ElementsAre(R"(node_disk_io_now{device="vda"} 1 @5000)",
                          R"(node_disk_io_now{device="vdb"} 2 @5000)", "node_forks_total 0 @1000",
                          "node_forks_total 7 @5000"));
  EXPECT_EQ(series_.dropped(), 0u);
}

TEST_F(NodeSeriesTest, BoundsTheSeriesAndCountsTheRest) {
  for (size_t i = 0; i < NodeSeries::kMaxSeries + 2; ++i) {
    const std::string device = "d" + std::to_string(i);
    const source::FigureLabel labels[] = {{"device", device}};
    series_.Record(Node(), "node_disk_io_now", labels, 1, recorder_);
  }
  EXPECT_EQ(series_.dropped(), 2u);
}

// Families that are served in part by intention; of all others a name that the catalogue lacks is a
// row that is missing.
TEST(NodeReader, WhatThisMachineHasIsInTheCatalogue) {
  source::OpenFiles files(1000);
  source::NodeReader reader(source::FindHostView(), files);
  std::set<std::string> missing;
  size_t figures = 0;
  const source::NodeReadResult result = reader.Read(
      absl::Now(),
      [&](std::string_view metric, absl::Span<const source::FigureLabel> labels, double) {
        ++figures;
        const catalogue::MetricInfo* info = catalogue::FindMetric(metric);
        if (info == nullptr) {
          if (!metric.starts_with("node_vmstat_") && !metric.starts_with("node_netstat_")) {
            missing.emplace(metric);
          }
          return;
        }
        EXPECT_EQ(info->entity, catalogue::EntityKind::kNode) << metric;
        for (const source::FigureLabel& label : labels) {
          EXPECT_NE(info->labels.find(label.name), std::string_view::npos) << metric;
        }
      });
  EXPECT_THAT(missing, testing::IsEmpty());
  EXPECT_GT(figures, 200u);
  for (const auto& [file, status] : result.malformed) ADD_FAILURE() << file << ": " << status;
}

}  // namespace
}  // namespace leadline::agent::aggregate
