#include "agent/export/definition_encoder.h"

#include <gtest/gtest.h>

#include "agent/model/entity_id.h"
#include "common/utf8.h"

namespace leadline::agent {
namespace {

TEST(DefinitionEncoder, WritesAStringOnce) {
  v1::Definitions message;
  DefinitionEncoder encoder;
  encoder.Begin(&message);
  auto entity = std::make_shared<Entity>();
  entity->id = PodId("uid");
  entity->kind = EntityKind::kPod;
  entity->labels = {{"namespace", "web"}, {"pod", "web-1"}};
  entity->kubernetes_labels = {{"app", "web"}, {"empty", ""}};
  entity->start_ms = 7;
  entity->valid_from_ms = 8;
  entity->revision = 9;
  encoder.Add(EntityDefinition{EntityRef(3), entity});
  encoder.Add(SeriesDefinition{
      SeriesRef(4),
      std::make_shared<const SeriesKey>(SeriesKey{
          catalogue::Metric::kPodNetworkReceiveBytes, EntityRef(3), {{"interface", "web"}}})});
  EXPECT_EQ(message.strings_size(), 8);
  const auto text = [&](uint32_t index) {
    return index == 0 ? "" : message.strings(static_cast<int>(index) - 1);
  };
  const v1::EntityDefinition& out = message.entities(0);
  EXPECT_EQ(out.ref(), 3);
  EXPECT_EQ(out.id(), PodId("uid").ToBytes());
  EXPECT_EQ(out.kind(), v1::ENTITY_KIND_POD);
  ASSERT_EQ(out.labels_size(), 4);
  EXPECT_EQ(text(out.labels(2)), "pod");
  EXPECT_EQ(text(out.labels(3)), "web-1");
  ASSERT_EQ(out.kubernetes_labels_size(), 4);
  EXPECT_EQ(out.kubernetes_labels(1), out.labels(1));
  EXPECT_EQ(text(out.kubernetes_labels(3)), "");
  EXPECT_EQ(out.start_unix_ms(), 7);
  EXPECT_EQ(out.valid_from_unix_ms(), 8);
  EXPECT_EQ(out.revision(), 9);
  EXPECT_EQ(out.end_unix_ms(), 0);
  const v1::SeriesDefinition& series = message.series(0);
  EXPECT_EQ(series.ref(), 4);
  EXPECT_EQ(series.entity(), 3);
  EXPECT_EQ(text(series.metric()), "container_network_receive_bytes_total");
  EXPECT_EQ(text(series.labels(1)), "web");
  EXPECT_GE(encoder.bytes(), message.ByteSizeLong());
  EXPECT_EQ(encoder.repaired_texts(), 0);
}

TEST(DefinitionEncoder, MakesTextsFitForTheWire) {
  auto entity = std::make_shared<Entity>();
  entity->labels = {{"bad", "a\xff"}, {"long", std::string(kMaxTextBytes - 1, 'x') + "\xc3\xa9"}};
  entity->start_ms = 10;
  entity->end_ms = 9;
  v1::Definitions message;
  DefinitionEncoder encoder;
  encoder.Begin(&message);
  encoder.Add(EntityDefinition{EntityRef(0), entity});
  EXPECT_EQ(message.strings(1), "a\xef\xbf\xbd");
  EXPECT_EQ(message.strings(3), std::string(kMaxTextBytes - 1, 'x'));
  EXPECT_EQ(encoder.repaired_texts(), 2);
  EXPECT_EQ(message.entities(0).end_unix_ms(), 10);
}

TEST(DefinitionEncoder, LeavesOutLabelsThatNoCollectorTakes) {
  auto entity = std::make_shared<Entity>();
  entity->kubernetes_labels = {
      {"", "no name"}, {"bad\xff", "x"}, {std::string(kMaxNameBytes + 1, 'k'), "x"}};
  for (size_t i = 0; i <= kMaxLabels; ++i) {
    entity->kubernetes_labels.push_back({"key-" + std::to_string(i), "x"});
  }
  v1::Definitions message;
  DefinitionEncoder encoder;
  encoder.Begin(&message);
  encoder.Add(EntityDefinition{EntityRef(0), entity});
  EXPECT_EQ(static_cast<size_t>(message.entities(0).kubernetes_labels_size()), 2 * kMaxLabels);
  EXPECT_EQ(message.strings(0), "key-0");
  EXPECT_EQ(encoder.left_out_labels(), 4);
  EXPECT_EQ(encoder.repaired_texts(), 0);
}

}  // namespace
}  // namespace leadline::agent
