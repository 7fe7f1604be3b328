#include "collector/api/schemas.h"

namespace leadline::collector::api {
namespace {

constexpr Schema kSchemas[] = {
    {"Error", R"({"type":"object","additionalProperties":false,
"required":["status","errorType","error"],
"properties":{"status":{"const":"error"},
"errorType":{"enum":["bad_data","not_found","execution","timeout","canceled","unavailable","internal"]},
"error":{"type":"string","minLength":1}}})",
     true},
    {"OpenApi", R"({"type":"object","required":["openapi","info","paths","components"],
"properties":{"openapi":{"type":"string","pattern":"^3\\.1\\."},"info":{"type":"object"},
"paths":{"type":"object"},"components":{"type":"object"}}})",
     true},
    {"Nothing", R"({"type":"object","additionalProperties":false})"},
    {"Text", R"({"type":"string"})"},
    {"Strings", R"({"type":"array","items":{"type":"string"}})"},
    {"Labels", R"({"type":"object","additionalProperties":{"type":"string"}})"},
    {"Series", R"({"type":"array","items":{"$ref":"#/components/schemas/Labels"}})"},
    {"Float", R"({"type":"string","description":"A 64-bit float; NaN, +Inf and -Inf too.",
"pattern":"^(NaN|[+-]Inf|-?[0-9.]+(e[+-][0-9]+)?)$"})"},
    {"FloatPoint", R"({"type":"array","description":"Unix time in seconds, and the value.",
"minItems":2,"maxItems":2,
"prefixItems":[{"type":"number"},{"$ref":"#/components/schemas/Float"}]})"},
    {"StringPoint", R"({"type":"array","minItems":2,"maxItems":2,
"prefixItems":[{"type":"number"},{"type":"string"}]})"},
    {"Histogram", R"({"type":"object","additionalProperties":false,
"required":["count","sum","buckets"],
"properties":{"count":{"$ref":"#/components/schemas/Float"},
"sum":{"$ref":"#/components/schemas/Float"},
"buckets":{"type":"array","items":{"type":"array","minItems":4,"maxItems":4,
"description":"Which ends belong to it (0 the upper, 1 the lower, 3 both), ends, count.",
"prefixItems":[{"enum":[0,1,3]},{"$ref":"#/components/schemas/Float"},
{"$ref":"#/components/schemas/Float"},{"$ref":"#/components/schemas/Float"}]}}}})"},
    {"HistogramPoint", R"({"type":"array","minItems":2,"maxItems":2,
"prefixItems":[{"type":"number"},{"$ref":"#/components/schemas/Histogram"}]})"},
    {"VectorSeries", R"({"type":"object","additionalProperties":false,"required":["metric"],
"properties":{"metric":{"$ref":"#/components/schemas/Labels"},
"value":{"$ref":"#/components/schemas/FloatPoint"},
"histogram":{"$ref":"#/components/schemas/HistogramPoint"}}})"},
    {"MatrixSeries", R"({"type":"object","additionalProperties":false,"required":["metric"],
"properties":{"metric":{"$ref":"#/components/schemas/Labels"},
"values":{"type":"array","items":{"$ref":"#/components/schemas/FloatPoint"}},
"histograms":{"type":"array","items":{"$ref":"#/components/schemas/HistogramPoint"}}}})"},
    {"QueryResult", R"({"oneOf":[
{"type":"object","additionalProperties":false,"required":["resultType","result"],
"properties":{"resultType":{"const":"scalar"},"result":{"$ref":"#/components/schemas/FloatPoint"}}},
{"type":"object","additionalProperties":false,"required":["resultType","result"],
"properties":{"resultType":{"const":"string"},"result":{"$ref":"#/components/schemas/StringPoint"}}},
{"type":"object","additionalProperties":false,"required":["resultType","result"],
"properties":{"resultType":{"const":"vector"},
"result":{"type":"array","items":{"$ref":"#/components/schemas/VectorSeries"}}}},
{"type":"object","additionalProperties":false,"required":["resultType","result"],
"properties":{"resultType":{"const":"matrix"},
"result":{"type":"array","items":{"$ref":"#/components/schemas/MatrixSeries"}}}}]})"},
    {"Metadata", R"({"type":"object","additionalProperties":{"type":"array","minItems":1,
"items":{"type":"object","additionalProperties":false,"required":["type","help","unit"],
"properties":{"type":{"enum":["counter","gauge","histogram","gaugehistogram","summary","info",
"stateset","unknown"]},"help":{"type":"string"},
"unit":{"type":"string"}}}}})"},
    {"Rules", R"({"type":"object","additionalProperties":false,"required":["groups"],
"properties":{"groups":{"type":"array","maxItems":0}}})"},
    {"Alerts", R"({"type":"object","additionalProperties":false,"required":["alerts"],
"properties":{"alerts":{"type":"array","maxItems":0}}})"},
    {"Exemplars", R"({"type":"array","maxItems":0})"},
    {"BuildInfo", R"({"type":"object","additionalProperties":{"type":"string"},
"required":["version","application","applicationVersion"],
"properties":{"version":{"type":"string",
"description":"The version of Prometheus whose API this is.","pattern":"^[0-9]+\\.[0-9]+\\.[0-9]+$"},
"application":{"type":"string"},"applicationVersion":{"type":"string"}}})"},
    {"RuntimeInfo", R"({"type":"object","additionalProperties":false,
"required":["startTime","CWD","reloadConfigSuccess","lastConfigTime","corruptionCount",
"storageRetention"],
"properties":{"startTime":{"type":"string","format":"date-time"},"CWD":{"type":"string"},
"reloadConfigSuccess":{"type":"boolean"},
"lastConfigTime":{"type":"string","format":"date-time"},
"corruptionCount":{"type":"integer","description":"Damaged files that were moved to quarantine."},
"storageRetention":{"type":"string"}}})"},
    {"Flags", R"({"type":"object","additionalProperties":{"type":"string"}})"},
    {"Count", R"({"type":"object","additionalProperties":false,"required":["name","value"],
"properties":{"name":{"type":"string"},"value":{"type":"integer","minimum":0}}})"},
    {"Counts", R"({"type":"array","items":{"$ref":"#/components/schemas/Count"}})"},
    {"StoreStatus", R"({"type":"object","additionalProperties":false,
"required":["headStats","seriesCountByMetricName","labelValueCountByLabelName",
"memoryInBytesByLabelName","seriesCountByLabelValuePair"],
"properties":{"headStats":{"type":"object","additionalProperties":false,
"required":["numSeries","numLabelPairs","minTime","maxTime"],
"properties":{"numSeries":{"type":"integer"},"numLabelPairs":{"type":"integer"},
"minTime":{"type":"integer"},"maxTime":{"type":"integer"}}},
"seriesCountByMetricName":{"$ref":"#/components/schemas/Counts"},
"labelValueCountByLabelName":{"$ref":"#/components/schemas/Counts"},
"memoryInBytesByLabelName":{"$ref":"#/components/schemas/Counts"},
"seriesCountByLabelValuePair":{"$ref":"#/components/schemas/Counts"}}})"},
};

}  // namespace

absl::Span<const Schema> Schemas() { return kSchemas; }

const Schema* FindSchema(std::string_view name) {
  for (const Schema& schema : kSchemas) {
    if (schema.name == name) return &schema;
  }
  return nullptr;
}

}  // namespace leadline::collector::api
