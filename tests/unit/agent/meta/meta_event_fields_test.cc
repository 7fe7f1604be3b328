// What recordings keep of the events of the cluster.
#include "agent/meta/meta_event_fields.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/record/archive_text.h"
#include "common/ip_address.h"

namespace leadline::agent::meta {
namespace {

using testing::ElementsAre;

TEST(MetaEventFields, AnAnswerOfTheCollectorIsKeptWhole) {
  std::vector<MetaEvent> events;
  events.emplace_back(PodsSynced{});
  events.emplace_back(PeerAnswer{.endpoint = {*ParseIpAddress("10.96.0.10"), 8080},
                                 .labels = {{"peer_type", "service"}},
                                 .since_ms = 77});
  std::string bytes;
  record::ArchiveWriter(bytes).Put(events);

  std::vector<MetaEvent> read;
  record::ArchiveReader reader(bytes);
  reader.Get(read);
  EXPECT_TRUE(reader.ok());
  ASSERT_EQ(read.size(), 2);
  EXPECT_TRUE(std::holds_alternative<PodsSynced>(read[0]));
  const auto& answer = std::get<PeerAnswer>(read[1]);
  EXPECT_EQ(answer.endpoint, (IpEndpoint{*ParseIpAddress("10.96.0.10"), 8080}));
  EXPECT_THAT(answer.labels, ElementsAre(Label{"peer_type", "service"}));
  EXPECT_EQ(answer.since_ms, 77);
}

TEST(MetaEventFields, TheirNumbersAreThoseOfRecordings) {
  EXPECT_EQ(MetaEvent(PodApplied{}).index(), 0);
  EXPECT_EQ(MetaEvent(PodDeleted{}).index(), 1);
  EXPECT_EQ(MetaEvent(OwnersResolved{}).index(), 2);
  EXPECT_EQ(MetaEvent(PodsSynced{}).index(), 3);
  EXPECT_EQ(MetaEvent(PeerAnswer{}).index(), 4);
}

}  // namespace
}  // namespace leadline::agent::meta
