#include "agent/aggregate/connection_series.h"

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "prometheus/registry.h"
#include "tests/unit/agent/aggregate/sample_collector.h"

namespace leadline::agent::aggregate {
namespace {

using probes::ConnectionCounters;
using probes::ConnectionPeer;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using Role = ConnectionPeer::Role;

constexpr ConnectionPeer kShop = {
    .role = Role::kClient,
    .remote_port = 443,
    .remote = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1}};
constexpr ConnectionPeer kServed = {.role = Role::kServer,
                                    .local_port = 80,
                                    .remote = {0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
// After the reason, where there is one.
constexpr char kShopPeer[] = R"(peer_address_class="private", peer_type="external", )";
constexpr char kShopEdge[] =
    R"(remote_address="10.0.0.1", remote_port="443", role="client", transport="tcp")";
const std::string kShopLabels = std::string(kShopPeer) + kShopEdge;
constexpr char kServedLabels[] =
    R"(local_port="80", peer_address_class="private", peer_type="external", )"
    R"(remote_address="fd00::1", role="server", transport="tcp")";

class NobodyKnown : public PeerNames {
 public:
  std::shared_ptr<const Peer> PeerAt(const IpAddress& /*address*/, uint16_t /*port*/) override {
    return nullptr;
  }
};

// A row that owns what it points to.
struct Row {
  Row(uint64_t cgroup_id, const ConnectionPeer& peer,
      const std::vector<std::pair<int, uint64_t>>& values, uint64_t open = 0) {
    for (const auto& [count, value] : values) counts[static_cast<size_t>(count)] = value;
    row.cgroup_id = cgroup_id;
    row.peer = peer;
    row.counts = counts;
    row.open = open;
  }
  Row(const Row&) = delete;
  Row& operator=(const Row&) = delete;

  std::array<__u64, TCP_COUNT_END> counts{};
  ConnectionCounters row;
};

class ConnectionSeriesTest : public testing::Test {
 protected:
  EntityRef Container(uint64_t id) {
    container_ = {.id = {0, id}, .start_ms = 1000, .revision = 1};
    return batcher_.DefineEntity(container_);
  }

  // The samples of a metric at this time.
  template <typename Series>
  std::vector<std::string> Take(Series& series, EntityRef owner, int64_t ts_ms,
                                std::string_view metric) {
    series.Record({.entity = owner, .owner = &container_, .counted_from_ms = 1000, .ts_ms = ts_ms},
                  recorder_);
    std::vector<std::string> samples = collector_.Take();
    std::erase_if(samples, [&](const std::string& sample) { return !sample.starts_with(metric); });
    return samples;
  }

  // "name{labels} value @ts"
  static std::string Sample(std::string_view name, std::string_view labels, std::string_view rest) {
    return std::string(name) + "{" + std::string(labels) + "} " + std::string(rest);
  }

  prometheus::Registry registry_;
  Batcher batcher_{BatcherOptions{}, registry_};
  Recorder recorder_{batcher_};
  SampleCollector collector_{batcher_};
  Entity container_;  // the one that was made last
  NobodyKnown names_;
  EdgeEntities edges_{names_, batcher_};
  TcpSeries tcp_{edges_};
  UdpSeries udp_{edges_};
};

TEST_F(ConnectionSeriesTest, ACounterBeginsWithZeroAndGrowsOverCgroups) {
  const EntityRef owner = Container(1);
  EXPECT_TRUE(tcp_.Fold(owner, Row(7, kShop, {{TCP_CONNECTS, 5}}).row));
  EXPECT_FALSE(tcp_.Fold(owner, Row(7, kShop, {{TCP_CONNECTS, 5}}).row));
  EXPECT_TRUE(tcp_.Fold(owner, Row(8, kShop, {{TCP_CONNECTS, 2}}).row));
  EXPECT_TRUE(tcp_.Fold(owner, Row(7, kServed, {{TCP_ACCEPTS, 1}}).row));
  EXPECT_THAT(Take(tcp_, owner, 2000, "container_"),
              ElementsAre(Sample("container_tcp_accepts_total", kServedLabels, "0 @1000"),
                          Sample("container_tcp_accepts_total", kServedLabels, "1 @2000"),
                          Sample("container_tcp_connects_total", kShopLabels, "0 @1000"),
                          Sample("container_tcp_connects_total", kShopLabels, "7 @2000")));
  tcp_.ForgetCgroup(8);
  tcp_.Fold(owner, Row(9, kShop, {{TCP_CONNECTS, 1}}).row);
  EXPECT_THAT(Take(tcp_, owner, 3000, "container_tcp_connects"),
              ElementsAre(Sample("container_tcp_connects_total", kShopLabels, "8 @3000")));
  tcp_.Forget(owner);
  EXPECT_THAT(Take(tcp_, owner, 4000, "container_"), IsEmpty());
}

TEST_F(ConnectionSeriesTest, FailuresHaveReasonsAndLifetimesAreSeconds) {
  const EntityRef owner = Container(1);
  tcp_.Fold(owner, Row(7, kShop,
                       {{TCP_CONNECT_REFUSED, 3},
                        {TCP_CONNECT_ABORTED, 4},
                        {TCP_RESET, 5},
                        {TCP_LIFETIME_US, 1'500'000}})
                       .row);
  const auto samples = Take(tcp_, owner, 2000, "container_");
  for (const auto& [name, reason, value] :
       {std::tuple("container_tcp_connect_failures_total", "refused", "3"),
        std::tuple("container_tcp_connect_failures_total", "aborted", "4"),
        std::tuple("container_tcp_connection_failures_total", "reset", "5")}) {
    EXPECT_THAT(samples, Contains(Sample(
                             name, kShopPeer + fmt::format("reason=\"{}\", ", reason) + kShopEdge,
                             std::string(value) + " @2000")));
  }
  EXPECT_THAT(samples, Contains(Sample("container_tcp_closed_connections_lifetime_seconds_total",
                                       kShopLabels, "1.5 @2000")));
}

TEST_F(ConnectionSeriesTest, OpenConnectionsComeAndGo) {
  const EntityRef owner = Container(1);
  const auto open = [&](int64_t ts_ms) {
    return Take(tcp_, owner, ts_ms, "container_tcp_connections{");
  };
  tcp_.Fold(owner, Row(7, kShop, {{TCP_CONNECTS, 3}}, 3).row);
  tcp_.Fold(owner, Row(8, kShop, {{TCP_CONNECTS, 2}}, 2).row);
  EXPECT_THAT(open(2000), ElementsAre(Sample("container_tcp_connections", kShopLabels, "5 @2000")));
  tcp_.Fold(owner, Row(7, kShop, {{TCP_CONNECTS, 3}}, 1).row);
  EXPECT_THAT(open(3000), ElementsAre(Sample("container_tcp_connections", kShopLabels, "3 @3000")));
  Row last(8, kShop, {{TCP_CONNECTS, 2}}, 2);
  last.row.last = true;
  tcp_.Fold(owner, last.row);
  tcp_.ForgetCgroup(8);
  EXPECT_THAT(open(4000), ElementsAre(Sample("container_tcp_connections", kShopLabels, "1 @4000")));
}

TEST_F(ConnectionSeriesTest, RoundTripTimesAreANativeHistogram) {
  const EntityRef owner = Container(1);
  const probes::HistogramBucket buckets[] = {{-20, 2}, {-18, 1}};
  Row row(7, kShop, {});
  row.row.rtt_schema = 1;
  row.row.rtt_sum_us = 4500;
  row.row.rtt_buckets = buckets;
  EXPECT_TRUE(tcp_.Fold(owner, row.row));
  EXPECT_FALSE(tcp_.Fold(owner, row.row));
  const auto samples = Take(tcp_, owner, 2000, "container_tcp_rtt_seconds");
  // Of a histogram the collector gives the count.
  EXPECT_THAT(samples, Contains(Sample("container_tcp_rtt_seconds", kShopLabels, "3 @2000")));
}

TEST_F(ConnectionSeriesTest, PeersBeyondTheLimitCountAsOtherOfTheirRole) {
  const EntityRef owner = Container(1);
  constexpr int kPeers = ConnectionSeries::kPeersMax + 10;
  ConnectionPeer peer = kShop;
  for (int i = 0; i < kPeers; ++i) {
    peer.remote_port = static_cast<uint16_t>(1000 + i);
    tcp_.Fold(owner, Row(7, peer, {{TCP_CONNECTS, 1}}).row);
  }
  tcp_.Fold(owner, Row(7, kServed, {{TCP_ACCEPTS, 2}}).row);
  tcp_.Fold(owner, Row(7, {.role = Role::kClient, .other = true}, {{TCP_CONNECTS, 5}}).row);
  const auto connects = Take(tcp_, owner, 2000, "container_tcp_connects_total");
  EXPECT_EQ(connects.size(), 2 * (ConnectionSeries::kPeersMax + 1));
  EXPECT_THAT(
      connects,
      Contains(Sample("container_tcp_connects_total",
                      R"(remote_address="~other", role="client", transport="tcp")", "15 @2000")));
  EXPECT_THAT(
      Take(tcp_, owner, 3000, "container_tcp_accepts_total"),
      ElementsAre(Sample("container_tcp_accepts_total",
                         R"(remote_address="~other", role="server", transport="tcp")", "2 @3000")));
}

TEST_F(ConnectionSeriesTest, UdpHasFourCountersAndNoPeerWhereNoneIsKnown) {
  const EntityRef owner = Container(1);
  udp_.Fold(owner, Row(7, {.role = Role::kServer, .local_port = 53},
                       {{UDP_SENT_BYTES, 10},
                        {UDP_RECEIVED_BYTES, 20},
                        {UDP_SENT_DATAGRAMS, 1},
                        {UDP_RECEIVED_DATAGRAMS, 2}})
                       .row);
  constexpr char kLabels[] = R"(local_port="53", role="server", transport="udp")";
  const auto samples = Take(udp_, owner, 2000, "container_");
  EXPECT_EQ(samples.size(), 8u);
  for (const auto& [name, value] : {std::pair("sent_bytes", "10"),
                                    {"received_bytes", "20"},
                                    {"sent_datagrams", "1"},
                                    {"received_datagrams", "2"}}) {
    EXPECT_THAT(samples, Contains(Sample(std::string("container_udp_") + name + "_total", kLabels,
                                         std::string(value) + " @2000")));
  }
}

}  // namespace
}  // namespace leadline::agent::aggregate
