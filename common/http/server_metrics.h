// The server's own metrics. Internal to common/http. Thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/time/time.h"

namespace prometheus {
class Counter;
class Gauge;
class Histogram;
class Registry;
template <typename T>
class Family;
}  // namespace prometheus

namespace leadline::http {

class ServerMetrics {
 public:
  // Makes metrics that nobody sees where `registry` is nullptr.
  ServerMetrics(std::shared_ptr<prometheus::Registry> registry, const std::string& prefix);

  void RequestDone(std::string_view route, int status, absl::Duration took);
  void ConnectionRefused();
  void ConnectionEvicted();
  // `reason`: "clear_text", "silent" or "handshake".
  void HandshakeFailed(std::string_view reason);
  void SetConnections(size_t count);

 private:
  std::shared_ptr<prometheus::Registry> registry_;
  prometheus::Family<prometheus::Counter>& requests_;
  prometheus::Family<prometheus::Histogram>& durations_;
  prometheus::Counter& refused_;
  prometheus::Counter& evicted_;
  prometheus::Family<prometheus::Counter>& handshake_failures_;
  prometheus::Gauge& connections_;
};

}  // namespace leadline::http
