#include "pipeline.h"

#include <fmt/format.h>

#include "agent/model/entity_id.h"

namespace leadline::collector::ingest {

double MetricValue(const prometheus::Registry& registry, const std::string& name,
                   const std::string& reason) {
  for (const prometheus::MetricFamily& family : registry.Collect()) {
    if (family.name != name) continue;
    for (const prometheus::ClientMetric& metric : family.metric) {
      const bool wanted =
          reason.empty() || (metric.label.size() == 1 && metric.label[0].value == reason);
      if (!wanted) continue;
      return family.type == prometheus::MetricType::Gauge ? metric.gauge.value
                                                          : metric.counter.value;
    }
  }
  return 0;
}

void TestCollector::Start() {
  store_->Open();
  registry_ = std::make_unique<prometheus::Registry>();
  options.address = "127.0.0.1:0";
  options.store = store_;
  options.registry = registry_.get();
  options.clock = &clock_;
  options.version = "test";
  auto server = IngestServer::Start(options);
  ASSERT_TRUE(server.ok()) << server.status();
  server_ = *std::move(server);
  proxy_.SetTarget(server_->port());
}

void TestCollector::Kill() {
  proxy_.SetTarget(0);
  proxy_.Cut();
  store_->Crash();
  server_.reset();
}

TestAgent::TestAgent(int port, uint64_t epoch,
                     const std::function<void(agent::SenderOptions&)>& adjust,
                     agent::BatcherOptions batcher_options)
    : batcher_(batcher_options, *registry_) {
  options_.collector = fmt::format("127.0.0.1:{}", port);
  options_.agent_id = HashId({"agent"});
  options_.epoch = epoch;
  options_.agent_version = "test";
  options_.cluster = "cluster";
  options_.node = "node";
  options_.backoff = {.initial = absl::Milliseconds(1), .max = absl::Milliseconds(20)};
  if (adjust) adjust(options_);
  sender_ = *agent::Sender::Start(options_, *registry_);
}

void TestAgent::SendOne(int64_t value) {
  ++sent_;
  const agent::EntityRef container = batcher_.DefineEntity(Container("c1"));
  const agent::SeriesRef series =
      batcher_.DefineSeries(catalogue::Metric::kContainerSyscalls, container, {});
  batcher_.BeginFrame(kNowMs + static_cast<int64_t>(sent_));
  ASSERT_TRUE(batcher_.Add(series, value));
  sender_->Submit(batcher_.Seal());
}

agent::Entity Container(const std::string& id, int64_t start_ms) {
  agent::Entity entity;
  entity.id = agent::ContainerId(id);
  entity.labels = {{"container", id}, {"namespace", "default"}};
  entity.start_ms = entity.valid_from_ms = start_ms;
  entity.revision = 1;
  return entity;
}

std::string CounterName(const std::string& container, const std::string& syscall) {
  LabelSet residual;
  residual.Set("syscall", syscall);
  return SeriesName({"container_syscalls_total", agent::ContainerId(container), residual});
}

}  // namespace leadline::collector::ingest
