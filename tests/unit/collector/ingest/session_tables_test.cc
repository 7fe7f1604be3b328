#include "collector/ingest/session_tables.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <google/protobuf/text_format.h>
#include <gtest/gtest.h>

namespace leadline::collector::ingest {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr const char* kId = "0123456789abcdef";

v1::Definitions DefinitionsOf(const std::string& text) {
  v1::Definitions message;
  EXPECT_TRUE(google::protobuf::TextFormat::ParseFromString(text, &message)) << text;
  return message;
}

std::string EntityText(const std::string& fields) {
  return fmt::format("entities {{ id: '{}' kind: ENTITY_KIND_POD {} }}", kId, fields);
}

struct Invalid {
  const char* name;
  std::string message;
  Reason reason;
  const char* text;
};

class BadDefinitions : public testing::TestWithParam<Invalid> {};

TEST_P(BadDefinitions, AreRefusedAndChangeNothing) {
  const Invalid& c = GetParam();
  SessionTables tables({.max_entities = 4, .max_series = 8});
  SessionTables::Unresolved unresolved;
  const auto refusal = tables.Define(DefinitionsOf(c.message), &unresolved);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(kReasonNames[static_cast<size_t>(refusal->reason)],
            std::string_view(kReasonNames[static_cast<size_t>(c.reason)]));
  EXPECT_THAT(std::string(refusal->status.message()), HasSubstr(c.text));
  EXPECT_TRUE(tables.TakeVersions().empty());
}

INSTANTIATE_TEST_SUITE_P(
    Table, BadDefinitions,
    testing::Values(
        Invalid{"text_not_utf8", "strings: '\\xff'", Reason::kText, "strings[0] is not UTF-8"},
        Invalid{"text_too_long", fmt::format("strings: '{}'", std::string(kMaxTextBytes + 1, 'x')),
                Reason::kText, "strings[0] has 16385 bytes"},
        Invalid{"id_short", "entities { id: '0123' kind: ENTITY_KIND_POD }", Reason::kEntity,
                "entity 0: id has 4 bytes, not 16"},
        Invalid{"id_missing", "entities { ref: 2 kind: ENTITY_KIND_POD }", Reason::kEntity,
                "entity 2: id has 0 bytes"},
        Invalid{"kind_missing", fmt::format("entities {{ id: '{}' }}", kId), Reason::kEntity,
                "kind 0 is not known"},
        Invalid{"start_negative", EntityText("start_unix_ms: -1"), Reason::kEntity, "start -1"},
        Invalid{"end_before_start", EntityText("start_unix_ms: 9 end_unix_ms: 8"), Reason::kEntity,
                "start 9, valid from 0, end 8 ms"},
        Invalid{"labels_odd", "strings: 'a' " + EntityText("labels: 1"), Reason::kLabels,
                "labels of entity 0: 1 indices are not pairs"},
        Invalid{"labels_unknown_string", "strings: 'a' " + EntityText("labels: [1, 2]"),
                Reason::kText, "labels of entity 0: string 2 of 1"},
        Invalid{"labels_bad_name", "strings: 'a-b' " + EntityText("labels: [1, 1]"),
                Reason::kLabels, "\"a-b\" is no label name"},
        Invalid{"labels_reserved_name", "strings: '__name__' " + EntityText("labels: [1, 1]"),
                Reason::kLabels, "\"__name__\" is no label name"},
        Invalid{"labels_empty_name", "strings: 'a' " + EntityText("labels: [0, 1]"),
                Reason::kLabels, "\"\" is no label name"},
        Invalid{"labels_twice", "strings: 'a' strings: 'b' " + EntityText("labels: [1, 1, 1, 2]"),
                Reason::kLabels, "\"a\" is there twice"},
        Invalid{"labels_too_many",
                "strings: 'a' " + EntityText("labels: [1" +
                                             [] {
                                               std::string more;
                                               for (int i = 1; i < 2 * (kMaxLabels + 1); ++i) {
                                                 more += ", 1";
                                               }
                                               return more;
                                             }() +
                                             "]"),
                Reason::kLabels, "513 labels, at most 512"},
        Invalid{"label_name_too_long",
                fmt::format("strings: '{}' ", std::string(kMaxNameBytes + 1, 'x')) +
                    EntityText("labels: [1, 1]"),
                Reason::kLabels, "is no label name"},
        Invalid{"kubernetes_key_too_long",
                fmt::format("strings: '{}' ", std::string(kMaxNameBytes + 1, 'x')) +
                    EntityText("kubernetes_labels: [1, 1]"),
                Reason::kLabels, "is no label name"},
        Invalid{"kubernetes_key_empty", "strings: 'a' " + EntityText("kubernetes_labels: [0, 1]"),
                Reason::kLabels, "kubernetes_labels of entity 0"},
        Invalid{"entity_over_limit", EntityText("ref: 4"), Reason::kLimit, "entity ref 4"},
        Invalid{"series_over_limit", EntityText("") + "strings: 'm' series { ref: 8 metric: 1 }",
                Reason::kLimit, "series ref 8"},
        Invalid{"series_without_entity", "strings: 'm' series { metric: 1 entity: 3 }",
                Reason::kUnknownRef, "series 0: entity 3 is not defined"},
        Invalid{"series_without_metric", EntityText("") + "series { }", Reason::kText,
                "is no metric name"},
        Invalid{"series_metric_unknown", EntityText("") + "series { metric: 7 }", Reason::kText,
                "string 7"},
        Invalid{"series_metric_bad", EntityText("") + "strings: 'a b' series { metric: 1 }",
                Reason::kText, "\"a b\", is no metric name"},
        Invalid{"series_metric_too_long",
                EntityText("") + fmt::format("strings: '{}' series {{ metric: 1 }}",
                                             std::string(kMaxNameBytes + 1, 'm')),
                Reason::kText, "is no metric name"},
        Invalid{"series_labels_odd",
                EntityText("") + "strings: 'm' series { metric: 1 labels: [1, 1, 1] }",
                Reason::kLabels, "labels of series 0: 3 indices are not pairs"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(SessionTables, GivesTheStoreWhatItNeeds) {
  SessionTables tables({});
  SessionTables::Unresolved unresolved;
  const auto refusal = tables.Define(
      DefinitionsOf(fmt::format(
          "strings: 'pod' strings: 'web-1' strings: 'app.kubernetes.io/name' "
          "strings: 'web' strings: 'reads_total' strings: 'disk' strings: 'sda' "
          "entities {{ ref: 3 id: '{}' kind: ENTITY_KIND_POD labels: [1, 2] "
          "  kubernetes_labels: [3, 4] start_unix_ms: 5 valid_from_unix_ms: 6 revision: 7 }} "
          "series {{ ref: 9 metric: 5 entity: 3 labels: [6, 7] }}",
          kId)),
      &unresolved);
  ASSERT_FALSE(refusal) << refusal->status;
  const Id128 id = *Id128::FromBytes(kId);
  EXPECT_THAT(tables.TakeVersions(),
              ElementsAre(model::EntityVersion{
                  .id = id,
                  .kind = model::EntityKind::kPod,
                  .labels = {{"pod", "web-1"}},
                  .kubernetes_labels = {{"label_app_kubernetes_io_name", "web"}},
                  .start_ms = 5,
                  .end_ms = model::kOpenEnd,
                  .valid_from_ms = 6,
                  .revision = 7}));
  EXPECT_THAT(unresolved.refs, ElementsAre(9));
  EXPECT_THAT(unresolved.series,
              ElementsAre(model::SeriesDefinition{"reads_total", id, {{"disk", "sda"}}}));
  EXPECT_EQ(tables.FindSeries(9), std::nullopt);
  tables.SetHandles(unresolved.refs, {77});
  EXPECT_EQ(tables.FindSeries(9), 77);
  EXPECT_EQ(tables.FindSeries(8), std::nullopt);
  EXPECT_EQ(tables.FindSeries(1000), std::nullopt);
}

// One string, referred to again and again: what it stands for counts, not what it takes on the
// wire.
v1::Definitions ManyEntities(size_t label_bytes) {
  constexpr size_t kLabelsEach = 64;
  v1::Definitions message;
  message.add_strings(std::string(kMaxTextBytes, 'v'));
  for (size_t i = 0; i < kLabelsEach; ++i) message.add_strings(fmt::format("label_{:02}", i));
  for (size_t bytes = 0; bytes < label_bytes; bytes += kLabelsEach * kMaxTextBytes) {
    v1::EntityDefinition& entity = *message.add_entities();
    entity.set_id(kId);
    entity.set_kind(v1::ENTITY_KIND_POD);
    for (size_t i = 0; i < kLabelsEach; ++i) {
      entity.add_labels(static_cast<uint32_t>(2 + i));
      entity.add_labels(1);
    }
  }
  return message;
}

TEST(SessionTables, LabelsAreLimitedByWhatTheyStandFor) {
  SessionTables tables({});
  SessionTables::Unresolved unresolved;
  const auto refusal = tables.Define(ManyEntities(kMaxDefinedBytes + 1), &unresolved);
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->reason, Reason::kLimit);
  EXPECT_THAT(std::string(refusal->status.message()), HasSubstr("bytes of labels before a batch"));
  EXPECT_TRUE(tables.TakeVersions().empty());

  const v1::Definitions half = ManyEntities(kMaxDefinedBytes / 2 + 1);
  EXPECT_FALSE(tables.Define(half, &unresolved));
  EXPECT_TRUE(tables.Define(half, &unresolved));
  EXPECT_FALSE(tables.TakeVersions().empty());  // as a batch does
  EXPECT_FALSE(tables.Define(half, &unresolved));
}

TEST(SessionTables, ARefMayBeGivenToAnotherEntity) {
  SessionTables tables({});
  SessionTables::Unresolved unresolved;
  const std::string series = "strings: 'm' series { ref: 0 metric: 1 entity: 0 }";
  ASSERT_FALSE(tables.Define(DefinitionsOf(EntityText("")), &unresolved));
  ASSERT_FALSE(tables.Define(
      DefinitionsOf("entities { id: 'fedcba9876543210' kind: ENTITY_KIND_POD } " + series),
      &unresolved));
  EXPECT_EQ(unresolved.series[0].entity, *Id128::FromBytes("fedcba9876543210"));
  EXPECT_EQ(tables.TakeVersions().size(), 2);
}

}  // namespace
}  // namespace leadline::collector::ingest
