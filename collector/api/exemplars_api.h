// Exemplars as Prometheus' API tells them: those of the series that a query's selectors name.
//
// Asking for them counts as asking for series: it has a turn, time and memory, and ends when its
// client goes. The series are those with samples in the range or some minutes around it, since an
// exemplar may be older than the sample that came with it. Thread-safe.
#pragma once

#include <string>

#include "absl/status/status.h"

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

class ExemplarsApi {
 public:
  // What is given must outlive it.
  ExemplarsApi(const store::Queryable& queryable, const promql::Engine& engine, std::string tenant,
               prometheus::Registry& registry);

  // As long as the router is used, this must live.
  void AddRoutes(http::Router& router) const;

 private:
  http::Response Exemplars(const http::Request& request) const;
  absl::Status Answer(const http::Request& request, http::Response& response) const;

  const store::Queryable& queryable_;
  const promql::Engine& engine_;
  const std::string tenant_;
  prometheus::Family<prometheus::Counter>& requests_;
};

}  // namespace leadline::collector::api
