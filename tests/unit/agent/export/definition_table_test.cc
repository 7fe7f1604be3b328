#include "agent/export/definition_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/model/entity_id.h"

namespace leadline::agent {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::shared_ptr<const Entity> Version(const std::string& id, uint64_t revision = 1) {
  auto entity = std::make_shared<Entity>();
  entity->id = ContainerId(id);
  entity->labels = {{"container", id}};
  entity->revision = revision;
  return entity;
}

std::shared_ptr<const SeriesKey> Key(EntityRef entity) {
  return std::make_shared<const SeriesKey>(
      SeriesKey{catalogue::Metric::kContainerSyscalls, entity, {}});
}

// "ref:container@revision" and "ref>entity ref"; takes them, as a session does.
std::vector<std::string> Tell(DefinitionTable& table) {
  std::vector<std::string> told;
  for (const EntityDefinition& definition : table.untold_entities()) {
    told.push_back(std::to_string(static_cast<uint32_t>(definition.ref)) + ":" +
                   std::string(definition.entity->labels.Get("container")) + "@" +
                   std::to_string(definition.entity->revision));
  }
  for (const SeriesDefinition& definition : table.untold_series()) {
    told.push_back(std::to_string(static_cast<uint32_t>(definition.ref)) + ">" +
                   std::to_string(static_cast<uint32_t>(definition.key->entity)));
  }
  table.untold_entities().clear();
  table.untold_series().clear();
  return told;
}

class DefinitionTableTest : public testing::Test {
 protected:
  DefinitionTable table_;
};

TEST_F(DefinitionTableTest, TellsEachSessionEverythingOnce) {
  table_.Apply(1, {.entities = {{EntityRef(0), Version("a")}, {EntityRef(1), Version("b")}},
                   .series = {{SeriesRef(0), Key(EntityRef(1))}}});
  EXPECT_THAT(Tell(table_), ElementsAre("0:a@1", "1:b@1", "0>1"));
  table_.Apply(2, {.series = {{SeriesRef(1), Key(EntityRef(0))}}});
  EXPECT_THAT(Tell(table_), ElementsAre("1>0"));
  table_.Acknowledge(2);
  table_.BeginSession();
  EXPECT_THAT(Tell(table_), ElementsAre("0:a@1", "1:b@1", "0>1", "1>0"));
}

TEST_F(DefinitionTableTest, KeepsVersionsUntilTheyAreDurable) {
  table_.Apply(1, {.entities = {{EntityRef(0), Version("a", 1)}}});
  table_.Apply(2, {.entities = {{EntityRef(0), Version("a", 2)}}});
  table_.Apply(3, {.entities = {{EntityRef(0), Version("a", 3)}}});
  table_.BeginSession();
  EXPECT_THAT(Tell(table_), ElementsAre("0:a@1", "0:a@2", "0:a@3"));
  table_.Acknowledge(2);
  table_.BeginSession();
  EXPECT_THAT(Tell(table_), ElementsAre("0:a@2", "0:a@3"));
  table_.Acknowledge(3);
  table_.BeginSession();
  EXPECT_THAT(Tell(table_), ElementsAre("0:a@3"));
}

TEST_F(DefinitionTableTest, GivesUpTheOldestOfTooManyVersions) {
  for (uint64_t i = 1; i <= DefinitionTable::kMaxVersions + 2; ++i) {
    table_.Apply(i, {.entities = {{EntityRef(0), Version("a", i)}}});
  }
  EXPECT_EQ(table_.versions_dropped(), 2);
  table_.BeginSession();
  EXPECT_EQ(table_.untold_entities().size(), DefinitionTable::kMaxVersions);
  EXPECT_EQ(table_.untold_entities().front().entity->revision, 3);
}

TEST_F(DefinitionTableTest, RemembersTheForgottenUntilTheirLastBatchIsDurable) {
  table_.Apply(1, {.entities = {{EntityRef(0), Version("a")}},
                   .series = {{SeriesRef(0), Key(EntityRef(0))}}});
  table_.Apply(2, {.forgotten_entities = {EntityRef(0)}, .forgotten_series = {SeriesRef(0)}});
  table_.Acknowledge(1);
  table_.BeginSession();
  EXPECT_THAT(Tell(table_), ElementsAre("0:a@1", "0>0"));
  table_.Acknowledge(2);
  table_.BeginSession();
  EXPECT_THAT(Tell(table_), IsEmpty());
  table_.Apply(3, {.entities = {{EntityRef(0), Version("b")}}});
  EXPECT_THAT(Tell(table_), ElementsAre("0:b@1"));
}

}  // namespace
}  // namespace leadline::agent
