#include "agent/memory_metrics.h"

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/sanitizers.h"

namespace leadline::agent {
namespace {

std::map<std::string, double> ByKind(const prometheus::Registry& registry) {
  std::map<std::string, double> by_kind;
  for (const auto& family : registry.Collect()) {
    EXPECT_EQ(family.name, "leadline_agent_memory_bytes");
    for (const auto& metric : family.metric) by_kind[metric.label[0].value] = metric.gauge.value;
  }
  return by_kind;
}

TEST(MemoryMetrics, AddUpMapsAndRingsAndMeasureTheProcess) {
  probes::ProbeReport report;
  report.maps = {{.name = "a", .bytes = 1000}, {.name = "b", .bytes = 234}};
  report.maps.push_back({.name = "ring", .bytes = 4096, .is_ring = true});
  prometheus::Registry registry;
  MemoryMetrics metrics(report, registry);
  ASSERT_TRUE(metrics.Update().ok());
  const double before = ByKind(registry)["rss"];
  EXPECT_EQ(ByKind(registry)["maps"], 1234);
  EXPECT_EQ(ByKind(registry)["rings"], 4096);
  EXPECT_GT(before, 1 << 20);

  constexpr double kMore = 64 << 20;
  const std::string more(static_cast<size_t>(kMore), 'x');
  ASSERT_TRUE(metrics.Update().ok());
  const double grown = ByKind(registry)["rss"] - before;
  EXPECT_GT(grown, kMore * 0.9);
#if !LEADLINE_TSAN  // which takes several times of what is used
  EXPECT_LT(grown, kMore * 1.1);
#endif
  EXPECT_EQ(more.back(), 'x');
}

}  // namespace
}  // namespace leadline::agent
