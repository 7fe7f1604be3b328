// One function a feature (or a few of a kind): whether it can be had here, and if not, why.
//
// They try what the feature does and change nothing. Thread-safe.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"

#include "agent/features/feature_report.h"
#include "agent/features/surroundings.h"
#include "agent/probes/probe_report.h"

namespace leadline::agent {

// One for each BPF object, "bpf_" and its name. After a dry run what can be loaded counts as on.
std::vector<Feature> ProbeFeatures(const probes::ProbeReport& report, const Surroundings& here);

// `opened`: what became of the state directory.
Feature StateFeature(const absl::Status& opened);
// The same, asked without touching it.
absl::Status CheckStateDirectory(const std::string& directory);

// `found`: whether the trees are mounted and can be read.
Feature CgroupFeature(const absl::Status& found);

// Other users' processes, and the network namespaces of pods. `proc` is "/proc" but in tests.
Feature ProcessFeature(const std::string& proc = "/proc");
Feature PodNetworkFeature(const Surroundings& here);

// Only where there is a Kubernetes. `chosen`: whether there is a way to its API server.
Feature KubernetesFeature(const absl::Status& chosen);

// `unreadable`: directories of container runtimes that are there and may not be read.
Feature RuntimeNameFeature(const std::vector<std::string>& unreadable);

}  // namespace leadline::agent
