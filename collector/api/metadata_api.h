// What there is to query: labels, their values, series, metrics; and who answers.
//
// Thread-safe.
#pragma once

#include <string>

#include "collector/store/store.h"
#include "common/http/message.h"

namespace leadline::collector::api {

class MetadataApi {
 public:
  // The queryable must outlive it.
  MetadataApi(const store::Queryable& queryable, std::string tenant)
      : queryable_(queryable), tenant_(std::move(tenant)) {}

  http::Response Labels(const http::Request& request) const;
  http::Response LabelValues(const http::Request& request) const;  // captures: the label's name
  http::Response Series(const http::Request& request) const;

 private:
  const store::Queryable& queryable_;
  const std::string tenant_;
};

// Type, help and unit of the catalogue's metrics.
http::Response MetricMetadata(const http::Request& request);

// Version of Prometheus whose API this is, by which Grafana chooses what to ask, and ours.
http::Response BuildInfo(const http::Request& request);

}  // namespace leadline::collector::api
