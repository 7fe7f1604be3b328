#include "agent/aggregate/request_series.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "prometheus/registry.h"
#include "tests/unit/agent/aggregate/sample_collector.h"

namespace leadline::agent::aggregate {
namespace {

using protocols::base::RecordKind;
using protocols::base::Side;
using requests::RequestCounters;
using requests::RequestKey;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class RequestSeriesTest : public testing::Test {
 protected:
  EntityRef Container(uint64_t id) {
    return batcher_.DefineEntity({.id = {0, id}, .start_ms = 1000});
  }
  bool Fold(EntityRef owner, uint64_t cgroup, const RequestKey& key, uint64_t count) {
    const HistogramBucket buckets[] = {{-40, count}};
    return series_.Fold(
        owner,
        {.cgroup_id = cgroup, .key = key, .duration_ns = count * 30'000'000, .buckets = buckets});
  }
  std::vector<std::string> Record(EntityRef owner, int64_t ts_ms) {
    series_.Record({.entity = owner, .counted_from_ms = 1000, .ts_ms = ts_ms}, recorder_);
    return collector_.Take();
  }

  prometheus::Registry registry_;
  Batcher batcher_{BatcherOptions{}, registry_};
  Recorder recorder_{batcher_};
  SampleCollector collector_{batcher_};
  RequestSeries series_;
};

RequestKey Get(std::string_view route) {
  return {.side = Side::kServer,
          .protocol = "http",
          .operation = "GET",
          .target = route,
          .status = "200"};
}

TEST_F(RequestSeriesTest, HaveOpenTelemetrysNames) {
  const struct {
    RequestKey key;
    const char* series;
  } cases[] = {
      {Get("/a"), R"(http_server_request_duration_seconds{http_request_method="GET", )"
                  R"(http_response_status_code="200", http_route="/a"})"},
      {{RecordKind::kHttp, Side::kClient, "http", "POST", "/b", "503", "503"},
       R"(http_client_request_duration_seconds{error_type="503", http_request_method="POST", )"
       R"(http_response_status_code="503", http_route="/b"})"},
      {{RecordKind::kRpc, Side::kServer, "http", "POST", "shop.Cart/Add", "OK", ""},
       R"(rpc_server_call_duration_seconds{rpc_grpc_status_code="OK", rpc_method="Add", )"
       R"(rpc_service="shop.Cart", rpc_system="grpc"})"},
      {{RecordKind::kRpc, Side::kClient, "http", "POST", "~other", "OK", ""},
       R"(rpc_client_call_duration_seconds{rpc_grpc_status_code="OK", rpc_service="~other", )"
       R"(rpc_system="grpc"})"},
      {{RecordKind::kDb, Side::kClient, "mysql", "SELECT", "SELECT t", "", ""},
       R"(db_client_operation_duration_seconds{db_operation_name="SELECT", )"
       R"(db_query_summary="SELECT t", db_system_name="mysql"})"},
      {{RecordKind::kDb, Side::kServer, "redis", "GET", "", "", "WRONGTYPE"},
       R"(db_server_operation_duration_seconds{db_operation_name="GET", db_system_name="redis", )"
       R"(error_type="WRONGTYPE"})"},
      {{RecordKind::kDns, Side::kClient, "dns", "A", "a.example", "NXDOMAIN", "NXDOMAIN"},
       R"(dns_lookup_duration_seconds{dns_question_name="a.example", dns_question_type="A", )"
       R"(dns_response_code="NXDOMAIN", error_type="NXDOMAIN"})"},
      {{RecordKind::kDns, Side::kServer, "dns", "A", "a.example", "NOERROR", ""},
       R"(dns_server_lookup_duration_seconds{dns_question_name="a.example", )"
       R"(dns_question_type="A", dns_response_code="NOERROR"})"},
  };
  uint64_t id = 0;
  for (const auto& c : cases) {
    const EntityRef owner = Container(++id);
    EXPECT_TRUE(Fold(owner, id, c.key, 3));
    EXPECT_THAT(Record(owner, 10'000), Contains(std::string(c.series) + " 3 @10000"));
  }
}

TEST_F(RequestSeriesTest, CgroupsOfAnOwnerAddUp) {
  const EntityRef owner = Container(1);
  Fold(owner, 7, Get("/a"), 3);
  Fold(owner, 8, Get("/a"), 4);
  EXPECT_FALSE(Fold(owner, 8, Get("/a"), 4)) << "it has not grown";
  const std::string series = R"(http_server_request_duration_seconds{http_request_method="GET", )"
                             R"(http_response_status_code="200", http_route="/a"})";
  EXPECT_THAT(Record(owner, 10'000), Contains(series + " 7 @10000"));
  series_.ForgetCgroup(8);
  Fold(owner, 8, Get("/a"), 1);  // a new one of that number
  EXPECT_THAT(Record(owner, 20'000), ElementsAre(series + " 8 @20000"));
  series_.Forget(owner);
  EXPECT_THAT(Record(owner, 30'000), IsEmpty());
}

TEST_F(RequestSeriesTest, AnOwnerHasOnlySoManySeries) {
  const EntityRef owner = Container(1);
  const size_t routes = RequestSeries::kRequestsMax + 100;
  for (size_t i = 0; i < routes; ++i) {
    Fold(owner, 7, Get("/r" + std::to_string(i)), 1);
  }
  EXPECT_THAT(Record(owner, 1000), SizeIs(RequestSeries::kRequestsMax + 1));
  Fold(owner, 7, Get("/more"), 1);
  EXPECT_THAT(Record(owner, 20'000),
              Contains(R"(http_server_request_duration_seconds{http_request_method="GET", )"
                       R"(http_response_status_code="200", http_route="~other"} 101 @20000)"));
}

}  // namespace
}  // namespace leadline::agent::aggregate
