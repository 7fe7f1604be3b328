#include "agent/features/features.h"

#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "agent/probes/probe_table.h"
#include "common/status_text.h"

namespace leadline::agent {
namespace {

using probes::AlternativeReport;
using probes::ProbeStatus;

bool IsSet(const ProbeStatus& probe) {
  return probe.attached() ||
         std::any_of(probe.alternatives.begin(), probe.alternatives.end(),
                     [](const AlternativeReport& alternative) {
                       return alternative.state == AlternativeReport::State::kVerified;
                     });
}

void Append(std::string& text, std::string_view more, std::string_view between) {
  if (!text.empty()) text += between;
  text += more;
}

// What the kernel said of the first way that it refused.
std::string KernelsReason(const ProbeStatus& probe) {
  for (const AlternativeReport& alternative : probe.alternatives) {
    if (!alternative.reason.empty()) return fmt::format("{}: {}", probe.name, alternative.reason);
  }
  return probe.name;
}

void Explain(const std::vector<Obstacle>& obstacles, const ProbeStatus* first, Feature& feature) {
  for (const Obstacle& obstacle : obstacles) {
    Append(feature.problem, obstacle.problem, ", and ");
    Append(feature.mend, obstacle.mend, "; ");
  }
  if (feature.problem.empty()) feature.problem = KernelsReason(*first);
}

// Off where the status is an error, which is why.
Feature OffUnlessOk(const absl::Status& status, Feature feature) {
  if (status.ok()) {
    feature.mend.clear();
    return feature;
  }
  feature.enabled = false;
  feature.problem = StatusMessage(status);
  return feature;
}

}  // namespace

std::vector<Feature> ProbeFeatures(const probes::ProbeReport& report, const Surroundings& here) {
  const std::vector<Obstacle> obstacles = ObstaclesToBpf(here);
  std::vector<Feature> features;
  for (const probes::ProbeRow& row : probes::ProbeTable()) {
    const auto probe = std::find_if(report.probes.begin(), report.probes.end(),
                                    [&](const ProbeStatus& one) { return one.name == row.name; });
    if (probe == report.probes.end()) continue;
    const std::string name = fmt::format("bpf_{}", probes::BpfObjectName(row.object));
    if (features.empty() || features.back().name != name) {
      features.push_back({.name = name, .enabled = false});
    }
    Feature& feature = features.back();
    Append(feature.gives, row.feeds, ", ");
    if (IsSet(*probe)) {
      feature.enabled = true;
    } else if (feature.problem.empty()) {
      Explain(obstacles, &*probe, feature);
    }
  }
  return features;
}

Feature StateFeature(const absl::Status& opened) {
  return OffUnlessOk(
      opened, {.name = "state",
               .gives = "one identity across restarts, and a spool that outlives them",
               .mend = "give --state a directory that the agent may write, with room; until then "
                       "batches wait in memory only"});
}

absl::Status CheckStateDirectory(const std::string& directory) {
  std::filesystem::path nearest = directory;
  struct stat info {};
  while (stat(nearest.c_str(), &info) != 0 && errno == ENOENT && nearest.has_relative_path()) {
    nearest = nearest.parent_path();
    if (nearest.empty()) nearest = ".";
  }
  const auto error = [&](int code) {
    return absl::ErrnoToStatus(code, fmt::format("agent state: cannot write {}", nearest.string()));
  };
  if (access(nearest.c_str(), W_OK | X_OK) != 0) return error(errno);
  if (std::error_code code; !std::filesystem::is_directory(nearest, code)) return error(ENOTDIR);
  struct statvfs room {};
  if (statvfs(nearest.c_str(), &room) != 0) return error(errno);
  if (room.f_bavail == 0 && room.f_blocks != 0) return error(ENOSPC);
  return absl::OkStatus();
}

Feature CgroupFeature(const absl::Status& found) {
  return OffUnlessOk(
      found, {.name = "cgroups",
              .gives = "containers, pods and their figures",
              .mend = "mount the host's /sys/fs/cgroup, in a container read-only from the host"});
}

Feature ProcessFeature(const std::string& proc) {
  Feature feature{.name = "processes", .gives = "figures of every process of the node"};
  if (access((proc + "/1/stat").c_str(), R_OK) == 0) return feature;
  feature.problem = fmt::format("{}/1 cannot be read: other users' processes are hidden", proc);
  feature.mend = "mount /proc without hidepid, or start the agent as root";
  return feature;
}

Feature PodNetworkFeature(const Surroundings& here) {
  Feature feature{.name = "pod_networks", .gives = "network figures of pods"};
  if (here.Has(Capability::kSysPtrace)) return feature;
  // Root still sees processes with no more rights than its own.
  feature.enabled = geteuid() == 0;
  feature.problem =
      "CAP_SYS_PTRACE is missing: network namespaces of processes with other rights than the "
      "agent's may not be looked at";
  feature.mend = "start the agent with CAP_SYS_PTRACE";
  return feature;
}

Feature KubernetesFeature(const absl::Status& chosen) {
  return OffUnlessOk(chosen, {.name = "kubernetes",
                              .gives = "names, labels and owners of pods",
                              .mend = "run the pod as a service account whose token is mounted "
                                      "(automountServiceAccountToken), or give --kubeconfig"});
}

Feature RuntimeNameFeature(const std::vector<std::string>& unreadable) {
  Feature feature{.name = "runtime_names",
                  .gives = "names of containers that Kubernetes does not name"};
  if (unreadable.empty()) return feature;
  feature.enabled = false;
  for (const std::string& directory : unreadable) Append(feature.problem, directory, ", ");
  feature.problem += " may not be read";
  feature.mend = "start the agent as root or with CAP_DAC_READ_SEARCH";
  return feature;
}

}  // namespace leadline::agent
