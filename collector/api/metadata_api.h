// What there is to query: labels, their values, series, metrics.
//
// Thread-safe.
#pragma once

#include <string>

#include "collector/model/metric_metadata.h"
#include "collector/store/store.h"
#include "common/http/router.h"

namespace leadline::collector::api {

class MetadataApi {
 public:
  // The queryable must outlive it, and `described`: what others say of their metrics; null:
  // nothing.
  MetadataApi(const store::Queryable& queryable, std::string tenant,
              const model::MetricMetadata* described)
      : queryable_(queryable), tenant_(std::move(tenant)), described_(described) {}

  // As long as the router is used, this must live.
  void AddRoutes(http::Router& router) const;

 private:
  http::Response Labels(const http::Request& request) const;
  http::Response LabelValues(const http::Request& request) const;  // captures: the label's name
  http::Response Series(const http::Request& request) const;
  http::Response MetricMetadata(const http::Request& request) const;

  const store::Queryable& queryable_;
  const std::string tenant_;
  const model::MetricMetadata* const described_;
};

}  // namespace leadline::collector::api
