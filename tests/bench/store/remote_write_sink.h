// Prometheus remote write 1.0 (protobuf in snappy's block format over HTTP): a request a scrape of
// a node, a sample a series. The request is made once and only its values and times are changed as
// long as the series stay the same.
//
// Source: https://prometheus.io/docs/specs/remote_write_spec/
#pragma once

#include <string>
#include <vector>

#include "sink.h"

namespace leadline::bench {

class RemoteWriteSink : public Sink {
 public:
  // To http://127.0.0.1:PORT/api/v1/write and the like.
  RemoteWriteSink(std::string url, const WorkloadOptions& options);
  ~RemoteWriteSink() override;

  void Add(const Node& node) override;
  absl::Status Send(const Node& node) override;

 private:
  // Of one node.
  struct Request {
    std::string text;
    std::vector<size_t> samples;  // where each begins, container by container
    bool added = false;           // since the last request
    std::string earlier;          // scrapes that the next request has besides
  };

  void Build(const Node& node, Request& request) const;
  void FillIn(const Node& node, Request& request) const;
  absl::Status Post(const std::string& body);

  const std::string url_;
  const WorkloadOptions options_;
  void* const curl_;
  void* headers_ = nullptr;
  std::vector<Request> requests_;  // by the node's index
};

}  // namespace leadline::bench
