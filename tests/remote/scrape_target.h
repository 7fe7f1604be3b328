// Something for a real Prometheus to scrape, with other figures each time.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "common/http/server.h"

namespace leadline::collector::remotetest {

class ScrapeTarget {
 public:
  // `metrics` gives the text of the n-th scrape, from 1 on.
  ScrapeTarget(std::string content_type, std::function<std::string(int n)> metrics) {
    http::Router router;
    router.Add({.method = "GET",
                .pattern = "/metrics",
                .handler = [this, content_type = std::move(content_type),
                            metrics = std::move(metrics)](const http::Request&) {
                  return http::Response{.content_type = content_type, .body = metrics(++scrapes_)};
                }});
    auto server = http::Server::Start({}, std::move(router));
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
  }

  uint16_t port() const { return server_->port(); }
  int scrapes() const { return scrapes_; }

 private:
  std::atomic<int> scrapes_{0};
  std::unique_ptr<http::Server> server_;
};

}  // namespace leadline::collector::remotetest
