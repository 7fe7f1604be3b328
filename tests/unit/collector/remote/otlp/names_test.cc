#include "collector/remote/otlp/names.h"

#include <gtest/gtest.h>

namespace leadline::collector::remote::otlp {
namespace {

struct Name {
  const char* name;
  const char* unit;
  Kind kind;
  const char* expected;
};

class MetricNameTest : public testing::TestWithParam<Name> {};

TEST_P(MetricNameTest, IsPrometheus) {
  EXPECT_EQ(MetricName(GetParam().name, GetParam().unit, GetParam().kind), GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Names, MetricNameTest,
    testing::Values(
        Name{"http.server.request.duration", "s", Kind::kOther,
             "http_server_request_duration_seconds"},
        Name{"system.network.io", "By", Kind::kMonotonicSum, "system_network_io_bytes_total"},
        Name{"system.cpu.utilization", "1", Kind::kGauge, "system_cpu_utilization_ratio"},
        Name{"requests", "1", Kind::kMonotonicSum, "requests_total"},
        Name{"requests_total", "", Kind::kMonotonicSum, "requests_total"},
        Name{"total.requests", "", Kind::kMonotonicSum, "requests_total"},
        Name{"process.memory.bytes", "By", Kind::kGauge, "process_memory_bytes"},
        Name{"speed", "m/s", Kind::kGauge, "speed_meters_per_second"},
        Name{"rate", "{packets}/s", Kind::kGauge, "rate_per_second"},
        Name{"queue.length", "{items}", Kind::kGauge, "queue_length"},
        Name{"fan", "rpm", Kind::kGauge, "fan_rpm"},
        Name{"load", "%", Kind::kGauge, "load_percent"},
        Name{"took", " ms ", Kind::kOther, "took_milliseconds"},
        Name{"2xx", "", Kind::kGauge, "_2xx"}, Name{"a:b.c", "", Kind::kGauge, "a:b_c"},
        Name{"__odd---name__", "", Kind::kGauge, "odd_name"},
        Name{"größe", "", Kind::kGauge, "gr_e"}, Name{"...", "s", Kind::kGauge, ""},
        Name{"", "s", Kind::kGauge, ""}));

TEST(LabelName, IsPrometheus) {
  EXPECT_EQ(LabelName("k8s.pod.name"), "k8s_pod_name");
  EXPECT_EQ(LabelName("a-b/c"), "a_b_c");
  EXPECT_EQ(LabelName("a..b"), "a__b");
  EXPECT_EQ(LabelName("2nd"), "key_2nd");
  EXPECT_EQ(LabelName("_private"), "key_private");
  EXPECT_EQ(LabelName("__reserved"), "__reserved");
  EXPECT_EQ(LabelName("größe"), "gr__e");
  EXPECT_EQ(LabelName(""), "");
}

TEST(UnitName, IsInWords) {
  EXPECT_EQ(UnitName("s"), "seconds");
  EXPECT_EQ(UnitName("By/s"), "bytes_per_second");
  EXPECT_EQ(UnitName("{requests}/m"), "per_minute");
  EXPECT_EQ(UnitName("1"), "");
  EXPECT_EQ(UnitName(""), "");
}

}  // namespace
}  // namespace leadline::collector::remote::otlp
