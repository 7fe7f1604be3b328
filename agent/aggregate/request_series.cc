#include "agent/aggregate/request_series.h"

#include <string_view>
#include <utility>

#include "agent/aggregate/growth.h"

namespace leadline::agent::aggregate {
namespace {

using catalogue::Metric;
using protocols::base::RecordKind;
using protocols::base::Side;
using requests::OwnedRequestKey;

using RequestText = std::string_view (*)(const OwnedRequestKey& key);

std::string_view RequestOperation(const OwnedRequestKey& key) { return key.operation; }
std::string_view RequestTarget(const OwnedRequestKey& key) { return key.target; }
std::string_view RequestStatus(const OwnedRequestKey& key) { return key.status; }
std::string_view RequestProtocol(const OwnedRequestKey& key) { return key.protocol; }
std::string_view RequestSystem(const OwnedRequestKey& /*key*/) { return "grpc"; }
// "service/method"; what has no slash is a service, as `~other` is.
std::string_view RequestService(const OwnedRequestKey& key) {
  return RequestTarget(key).substr(0, key.target.find('/'));
}
std::string_view RequestMethod(const OwnedRequestKey& key) {
  const size_t slash = key.target.find('/');
  return slash == std::string::npos ? std::string_view() : RequestTarget(key).substr(slash + 1);
}

struct RequestLabel {
  std::string_view name;
  RequestText value;
};

// How requests of a kind are told: a row of the catalogue for each side, and labels beside
// error_type.
struct RequestShape {
  Metric client;
  Metric server;
  RequestLabel labels[4];
};

const RequestShape& ShapeOf(RecordKind kind) {
  static constexpr RequestShape kShapes[] = {
      {Metric::kHttpClientRequestDuration,
       Metric::kHttpServerRequestDuration,
       {{"http_request_method", RequestOperation},
        {"http_route", RequestTarget},
        {"http_response_status_code", RequestStatus}}},
      {Metric::kRpcClientCallDuration,
       Metric::kRpcServerCallDuration,
       {{"rpc_system", RequestSystem},
        {"rpc_service", RequestService},
        {"rpc_method", RequestMethod},
        {"rpc_grpc_status_code", RequestStatus}}},
      {Metric::kDbClientOperationDuration,
       Metric::kDbServerOperationDuration,
       {{"db_system_name", RequestProtocol},
        {"db_operation_name", RequestOperation},
        {"db_query_summary", RequestTarget},
        {"db_response_status_code", RequestStatus}}},
      {Metric::kDnsLookupDuration,
       Metric::kDnsServerLookupDuration,
       {{"dns_question_name", RequestTarget},
        {"dns_question_type", RequestOperation},
        {"dns_response_code", RequestStatus}}},
  };
  static_assert(static_cast<size_t>(RecordKind::kHttp) == 0 &&
                static_cast<size_t>(RecordKind::kDns) + 1 == std::size(kShapes));
  return kShapes[static_cast<size_t>(kind)];
}

}  // namespace

Metric RequestMetric(const OwnedRequestKey& key) {
  const RequestShape& shape = ShapeOf(key.kind);
  return key.side == Side::kClient ? shape.client : shape.server;
}

LabelSet RequestLabels(const OwnedRequestKey& key) {
  LabelSet labels;
  for (const RequestLabel& label : ShapeOf(key.kind).labels) {
    if (label.value != nullptr) labels.Set(label.name, label.value(key));
  }
  labels.Set("error_type", key.error);
  return labels;
}

bool RequestSeries::Fold(EntityRef owner, const requests::RequestCounters& row) {
  requests::ByRequest<Totals>& rows = seen_[row.cgroup_id];
  auto seen = rows.find(row.key);
  if (seen == rows.end()) {
    OwnedRequestKey key;
    CopyRequestKey(row.key, key);
    seen = rows.try_emplace(std::move(key)).first;
  }
  requests::ByRequest<Series>& of_owner = owners_[owner];
  Totals& totals = FindOrCap(of_owner, row.key, [&](size_t times) {
                     return of_owner.size() < times * kRequestsMax;
                   }).entry.second.totals;
  AddGrowth(row.duration_ns, seen->second.duration_ns, totals.duration_ns);
  return AddGrowth(row.buckets, seen->second.buckets, totals.buckets);
}

void RequestSeries::Record(const Subject& subject, Recorder& recorder) {
  const auto owner = owners_.find(subject.entity);
  if (owner == owners_.end()) return;
  for (auto& [key, series] : owner->second) {
    const HistogramView histogram{.schema = requests::kRequestSchema,
                                  .sum = static_cast<double>(series.totals.duration_ns) / 1e9,
                                  .buckets = series.totals.buckets};
    recorder.AddHistogram(series.slot, RequestMetric(key), subject, histogram,
                          series.slot.ref ? LabelSet() : RequestLabels(key));
  }
}

}  // namespace leadline::agent::aggregate
