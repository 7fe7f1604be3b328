// Prints what the agent's Kubernetes client sees, a line an event, until standard input ends: for
// tests of the client against the emulated API server, without BPF and without containers. At the
// end it prints its own metrics, as /metrics has them.
//
//   watch_pods NODE [--max-silence MS] [-k URL | --kubeconfig FILE | ...]
//
//   synced | applied NAMESPACE/NAME LABELS | deleted NAMESPACE/NAME | owners POD_UID Kind/name,...
//   END
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdio>
#include <string>
#include <variant>

#include <CLI/CLI.hpp>
#include <fmt/core.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "common/log.h"
#include "common/status_text.h"
#include "kube/config/choice.h"
#include "kube/flags/kube_flags.h"
#include "kube/pods/pod_watcher.h"

namespace leadline {
namespace {

using kube::pods::OwnersResolved;
using kube::pods::PodApplied;
using kube::pods::PodDeleted;
using kube::pods::PodWatcher;

std::string Line(const PodApplied& event) {
  std::string labels;
  for (const Label& label : event.pod->meta.labels) {
    labels += fmt::format(" {}={}", label.name, label.value);
  }
  return fmt::format("applied {}/{}{}", event.pod->meta.namespace_name, event.pod->meta.name,
                     labels);
}
std::string Line(const PodDeleted& event) {
  return fmt::format("deleted {}/{}", event.pod->meta.namespace_name, event.pod->meta.name);
}
std::string Line(const OwnersResolved& event) {
  std::string owners;
  for (const kube::Owner& owner : event.chain.owners) {
    owners += fmt::format("{}{}/{}", owners.empty() ? "" : ",", owner.kind, owner.name);
  }
  return fmt::format("owners {} {} {}", event.pod_uid, owners, static_cast<int>(event.chain.end));
}
std::string Line(const kube::pods::PodsSynced&) { return "synced"; }

int Run(PodWatcher::Options options) {
  if (const absl::Status log = SetUpLog("watch_pods", "info"); !log.ok()) return 1;
  const int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  options.on_event = [wake] { eventfd_write(wake, 1); };
  prometheus::Registry registry;
  auto watcher = PodWatcher::Start(std::move(options), registry);
  if (!watcher.ok()) {
    fmt::print(stderr, "watch_pods: {}\n", watcher.status().ToString());
    return 1;
  }
  pollfd fds[] = {{.fd = wake, .events = POLLIN, .revents = 0},
                  {.fd = STDIN_FILENO, .events = POLLIN, .revents = 0}};
  while (poll(fds, 2, -1) > 0 && fds[1].revents == 0) {
    eventfd_t count = 0;
    eventfd_read(wake, &count);
    for (;;) {
      const auto events = (*watcher)->Take(256);
      if (events.empty()) break;
      for (const auto& event : events) {
        fmt::print("{}\n", std::visit([](const auto& e) { return Line(e); }, event));
      }
      std::fflush(stdout);
    }
  }
  fmt::print("{}", prometheus::TextSerializer().Serialize(registry.Collect()));
  return 0;
}

}  // namespace
}  // namespace leadline

int main(int argc, char** argv) {
  CLI::App app("Prints what the agent's Kubernetes client sees.", "watch_pods");
  leadline::kube::pods::PodWatcher::Options options;
  leadline::kube::config::Choice choice;
  options.metrics_prefix = "leadline_agent";
  app.add_option("node", options.node)->required();
  app.add_option("--max-silence", options.reflector.watch_max_silence_ms);
  leadline::kube::flags::AddKubeFlags(app, choice);
  CLI11_PARSE(app, argc, argv);
  auto chosen =
      leadline::kube::config::Choose(choice, leadline::kube::config::ProcessEnvironment());
  if (!chosen.ok() || !*chosen) {
    fmt::print(stderr, "watch_pods: {}\n",
               chosen.ok() ? "no API server" : leadline::StatusMessage(chosen.status()));
    return 1;
  }
  options.client = std::move((*chosen)->client);
  return leadline::Run(std::move(options));
}
