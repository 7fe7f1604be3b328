// What there is to query: labels, their values, series, metrics.
//
// Asking for labels and series counts as a query: it has a query's turn, time and memory, and ends
// when its client goes. Thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/types/span.h"

#include "collector/api/json_writer.h"
#include "collector/model/metric_metadata.h"
#include "collector/promql/engine.h"
#include "collector/store/store.h"
#include "common/http/router.h"

namespace prometheus {
class Counter;
class Registry;
template <typename T>
class Family;
}  // namespace prometheus

namespace leadline::collector::api {

class MetadataApi {
 public:
  // The queryable, the engine and the registry must outlive it, and `described`: what others say of
  // their metrics; null: nothing.
  MetadataApi(const store::Queryable& queryable, const promql::Engine& engine, std::string tenant,
              const model::MetricMetadata* described, prometheus::Registry& registry);

  // As long as the router is used, this must live.
  void AddRoutes(http::Router& router) const;

 private:
  http::Response Labels(const http::Request& request) const;
  http::Response LabelValues(const http::Request& request) const;  // captures: the label's name
  http::Response Series(const http::Request& request) const;
  http::Response MetricMetadata(const http::Request& request) const;

  // Asks the store for one more than wanted, so that what was cut off is known, and has `write`
  // write what there is.
  template <typename T>
  using Take = absl::FunctionRef<absl::Status(absl::Span<const T> all)>;
  template <typename T>
  using Ask = absl::FunctionRef<absl::Status(const store::SeriesFilter&, Take<T>)>;
  template <typename T>
  http::Response Answer(const http::Request& request, std::string_view call, bool needs_match,
                        Ask<T> ask, absl::FunctionRef<void(const T&, JsonWriter&)> write) const;

  const store::Queryable& queryable_;
  const promql::Engine& engine_;
  const std::string tenant_;
  const model::MetricMetadata* const described_;
  prometheus::Family<prometheus::Counter>& requests_;
};

}  // namespace leadline::collector::api
