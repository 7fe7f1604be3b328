#include "agent/pipeline.h"

#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <spdlog/spdlog.h>

#include "agent/cgroups.h"
#include "agent/meta/meta_event_fields.h"
#include "agent/probes/taped_probes.h"
#include "agent/record/tape.h"
#include "agent/source/processes.h"
#include "common/status_macros.h"

namespace leadline::agent {
namespace {

using record::Taped;
using record::Topic;

constexpr size_t kMetaEventsAtOnce = 4096;

// In recordings: not renumbered.
enum class Woken : uint8_t { kByTime = 0, kByEvents = 1, kToStop = 2, kByNothing = 3 };

Woken Wait(int stop_fd, int lifecycle_fd, int64_t timeout_ms) {
  pollfd fds[] = {{.fd = stop_fd, .events = POLLIN}, {.fd = lifecycle_fd, .events = POLLIN}};
  const int ready = poll(fds, 2, static_cast<int>(timeout_ms));
  if (ready < 0 && errno != EINTR) {
    spdlog::error("poll: {}", std::strerror(errno));
    return Woken::kToStop;
  }
  if (ready <= 0) return Woken::kByTime;
  return fds[0].revents != 0 ? Woken::kToStop : Woken::kByEvents;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Pipeline>> Pipeline::Start(const PipelineOptions& options,
                                                          Inputs inputs,
                                                          prometheus::Registry& registry) {
  std::unique_ptr<Pipeline> pipeline(new Pipeline(std::move(inputs)));
  LL_RETURN_IF_ERROR(pipeline->Init(options, registry));
  return pipeline;
}

absl::Status Pipeline::Init(const PipelineOptions& options, prometheus::Registry& registry) {
  interval_ms_ = options.interval_ms;
  source::FileReader reader;
  clock_watch_.emplace(clock_, registry);
  const auto found_cgroups = Cgroups::Find(options.cgroups);
  cgroups_found_ = found_cgroups.status();
  // What was asked for and is not there is an error; what is merely not there is left out.
  if (options.cgroups != CgroupChoice::kAuto) LL_RETURN_IF_ERROR(cgroups_found_);
  const Cgroups cgroups = found_cgroups.ok() ? *found_cgroups : Cgroups{};
  if (found_cgroups.ok()) spdlog::info("{}", cgroups.ToText());
  LL_ASSIGN_OR_RETURN(const int64_t boot_unix_ms, source::BootTimeUnixMs(reader));
  LL_ASSIGN_OR_RETURN(const std::string boot_id, source::BootId(reader));

  batcher_ = std::make_unique<Batcher>(BatcherOptions{}, registry);
  resolver_ = std::make_unique<meta::MetadataResolver>(
      meta::MetadataResolver::Options{
          .cluster = options.cluster, .node = options.node, .boot_id = boot_id},
      registry);
  inventory_ = std::make_unique<CgroupInventory>(
      cgroups.counted.hierarchy.number, cgroups.counted.mount_point, boot_unix_ms, *resolver_);

  // The probes first, then the walk: what comes to life in between is in both.
  const int64_t counted_from_ms = clock_.NowUnixMs();
  LL_ASSIGN_OR_RETURN(auto kernel, inputs_.load_probes(cgroups.counted.hierarchy));
  probes_ = probes::MakeTaped(std::move(kernel));
  probe_metrics_.emplace(*probes_, registry);
  memory_metrics_.emplace(probes_->report(), registry);
  LL_RETURN_IF_ERROR(inventory_->Walk(clock_.NowUnixMs()));
  NameContainers();

  sampler_ = std::make_unique<NodeSampler>(
      NodeSamplerOptions{.cluster = options.cluster,
                         .node = options.node,
                         .counted_from_ms = counted_from_ms,
                         .processes = {.boot_id = boot_id,
                                       .boot_unix_ms = boot_unix_ms,
                                       .counted_from_ms = counted_from_ms,
                                       .max_processes = options.max_processes,
                                       .hierarchy = cgroups.counted.hierarchy.number,
                                       .name_space = cgroups.name_space,
                                       .other_v1 = cgroups.other_v1,
                                       .clock = &clock_}},
      cgroups.mounts, *probes_, *inventory_, *resolver_, *batcher_, registry);
  EndTurn();
  return absl::OkStatus();
}

void Pipeline::Run(int stop_fd, Delivery& delivery) {
  int64_t next_ms = NextReadingMs();
  Next why = WaitUntil(next_ms, stop_fd);
  for (; why == Next::kInterval; why = WaitUntil(next_ms, stop_fd)) {
    Interval(next_ms, delivery);
    EndTurn();
    next_ms = NextReadingMs();
  }
  // The recording of an agent that was killed: what would be read now is not in it.
  if (why == Next::kRecordingEnds) return;
  Interval(clock_.NowUnixMs(), delivery);
  EndTurn();
}

int64_t Pipeline::NextReadingMs() const {
  return (clock_.NowUnixMs() / interval_ms_ + 1) * interval_ms_;
}

Pipeline::Next Pipeline::WaitUntil(int64_t& until_ms, int stop_fd) {
  while (true) {
    int64_t left_ms = until_ms - clock_.NowUnixMs();
    if (left_ms <= 0) return Next::kInterval;
    if (left_ms > interval_ms_) {  // the clock was set back
      until_ms = NextReadingMs();
      left_ms = interval_ms_;
    }
    // The clock may step, so no wait is longer than an interval.
    const Woken woken = Taped(
        Topic::kWait, "",
        [&] { return Wait(stop_fd, probes_->lifecycle_fd(), std::min(left_ms, interval_ms_)); },
        Woken::kByNothing);
    if (woken == Woken::kByNothing) return Next::kRecordingEnds;
    if (woken == Woken::kToStop) return Next::kStop;
    if (woken == Woken::kByEvents) TakeLifecycleEvents();
  }
}

void Pipeline::TakeLifecycleEvents() {
  const int64_t now_ms = clock_.NowUnixMs();
  const int64_t now_mono_ns = clock_.NowMonoNs();
  const auto taken =
      probes_->PollLifecycle(absl::ZeroDuration(), [&](const probes::LifecycleEvent& event) {
        const int64_t ts_ms = now_ms - (now_mono_ns - event.ts_mono_ns) / 1'000'000;
        switch (event.kind) {
          case probes::LifecycleEvent::Kind::kCgroupCreated:
            // Only a walk tells the whole path.
            if (event.truncated || event.path.empty()) {
              inventory_->RequestWalk();
              break;
            }
            inventory_->Appeared(event.cgroup_id, std::string(event.path), ts_ms);
            break;
          case probes::LifecycleEvent::Kind::kCgroupRemoved:
            inventory_->Ended(event.cgroup_id, ts_ms);
            break;
        }
      });
  if (!taken.ok()) spdlog::error("reading cgroup events: {}", taken.status().ToString());
  // At once: the runtime's files may not outlive a short container.
  NameContainers();
}

void Pipeline::NameContainers() {
  for (const std::string& id : resolver_->TakeNewContainers()) {
    const auto names = Taped(Topic::kRuntime, id, [&] {
      return inputs_.name_container ? inputs_.name_container(id) : std::nullopt;
    });
    if (names) resolver_->OnRuntimeNames(id, *names);
  }
}

void Pipeline::TakeMetaEvents() {
  const auto events = Taped(Topic::kKubernetes, "pods", [this] {
    return inputs_.take_meta_events ? inputs_.take_meta_events(kMetaEventsAtOnce)
                                    : std::vector<meta::MetaEvent>();
  });
  for (const meta::MetaEvent& event : events) resolver_->OnEvent(event, clock_.NowUnixMs());
}

void Pipeline::AskPeers() {
  const PeerQuestions questions = resolver_->TakePeerQuestions();
  if (inputs_.ask_peers && !questions.empty()) inputs_.ask_peers(questions);
}

void Pipeline::Interval(int64_t ts_ms, Delivery& delivery) {
  clock_watch_->Check();
  TakeLifecycleEvents();
  const absl::Status walked = inventory_->WalkIfDue(clock_.NowUnixMs());
  if (!walked.ok()) spdlog::error("walking the cgroup tree: {}", walked.ToString());
  NameContainers();
  TakeMetaEvents();
  batcher_->Acknowledged(delivery.acknowledged_sequence());
  sampler_->Sample(ts_ms);
  AskPeers();
  const absl::Status updated = probe_metrics_->Update();
  if (!updated.ok()) spdlog::error("reading the probes' losses: {}", updated.ToString());
  const absl::Status measured = memory_metrics_->Update();
  if (!measured.ok()) spdlog::error("measuring the agent's memory: {}", measured.ToString());
  delivery.Submit(batcher_->Seal());
}

void Pipeline::EndTurn() {
  if (record::Tape* tape = record::Tape::Current()) tape->EndTurn(clock_.NowUnixMs());
}

}  // namespace leadline::agent
