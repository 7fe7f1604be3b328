// Both ends of the wire in one process, with a fake store behind them and a proxy between them.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/time.h"
#include <gtest/gtest.h>

#include "agent/export/batcher.h"
#include "agent/export/sender.h"
#include "collector/ingest/ingest_server.h"
#include "common/clock.h"
#include "fake_store.h"
#include "prometheus/registry.h"
#include "tcp_proxy.h"

namespace leadline::collector::ingest {

inline constexpr int64_t kNowMs = 1'700'000'000'000;
inline constexpr absl::Duration kPatience = absl::Seconds(60);

// Whether it holds within kPatience.
inline bool Eventually(const std::function<bool()>& condition) {
  const auto give_up = std::chrono::steady_clock::now() + absl::ToChronoSeconds(kPatience);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > give_up) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

// The value of a counter or gauge; 0 when there is none with these labels.
double MetricValue(const prometheus::Registry& registry, const std::string& name,
                   const std::string& reason = "");

// A collector that can be killed and started again on the same store.
class TestCollector {
 public:
  explicit TestCollector(FakeStore* store) : store_(store) {}

  IngestOptions options;  // for the next Start

  void Start();
  // As by SIGKILL: what is not durable is gone and nobody is told.
  void Kill();
  void Stop() {
    server_->Stop(kPatience);  // without time to end in, what is durable may go unacknowledged
    server_.reset();
  }

  TcpProxy& proxy() { return proxy_; }
  const prometheus::Registry& registry() const { return *registry_; }
  double Metric(const std::string& name, const std::string& reason = "") const {
    return MetricValue(*registry_, "leadline_collector_ingest_" + name, reason);
  }
  ManualClock& clock() { return clock_; }

 private:
  FakeStore* const store_;
  TcpProxy proxy_;
  ManualClock clock_{kNowMs};
  std::unique_ptr<prometheus::Registry> registry_;
  std::unique_ptr<IngestServer> server_;
};

// An agent whose samples the test also keeps, to compare with the store's.
class TestAgent {
 public:
  TestAgent(int port, uint64_t epoch, const std::function<void(agent::SenderOptions&)>& adjust = {},
            agent::BatcherOptions batcher_options = {});

  agent::Batcher& batcher() { return batcher_; }
  agent::Sender& sender() { return *sender_; }
  const agent::SenderOptions& options() const { return options_; }
  store::WriterId writer() const { return {options_.agent_id, options_.epoch}; }
  double Metric(const std::string& name, const std::string& reason = "") const {
    return MetricValue(*registry_, "leadline_agent_export_" + name, reason);
  }

  // One batch, with one frame of a counter of one container.
  void SendOne(int64_t value);
  uint64_t sent() const { return sent_; }
  // The next sample's time is that behind this many.
  void SkipTo(int64_t samples) { sent_ = static_cast<uint64_t>(samples); }
  const prometheus::Registry& registry() const { return *registry_; }

 private:
  std::unique_ptr<prometheus::Registry> registry_ = std::make_unique<prometheus::Registry>();
  agent::SenderOptions options_;
  agent::Batcher batcher_;
  std::unique_ptr<agent::Sender> sender_;
  uint64_t sent_ = 0;
};

agent::Entity Container(const std::string& id, int64_t start_ms = kNowMs - 1000);
std::string CounterName(const std::string& container, const std::string& syscall = "");

}  // namespace leadline::collector::ingest
