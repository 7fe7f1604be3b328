// Files of /proc that a process or a container has a say in: its command, its cgroup's path, its
// mounts and interfaces; and that of software RAID, whose lines have many forms.
#include <cstdlib>
#include <string_view>

#include "agent/source/cgroup_membership.h"
#include "agent/source/cgroup_mounts.h"
#include "agent/source/net_dev.h"
#include "agent/source/node/parsers.h"
#include "agent/source/processes.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace source = leadline::agent::source;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto stat = source::ParseProcessStat(text)) {
    if (text.find(stat->command) == std::string_view::npos) abort();
    source::StartUnixMs(stat->start_ticks, 1'700'000'000'000);
  }
  for (const uint32_t hierarchy : {0U, 4U}) {
    if (const auto path = source::FindCgroupPath(text, hierarchy)) {
      if (!path->starts_with('/') || path->find('\n') != std::string_view::npos) abort();
      std::string buffer;
      if (!source::CgroupNamespace("/a/b").Resolve(*path, buffer).starts_with('/')) abort();
    }
  }
  source::ParseRunDelayNs(text);
  const auto mounts =
      source::CgroupMounts::Parse(text, [](const std::string& path) { return path.size() % 2; });
  if (mounts.ok())
    source::ChooseCgroups(leadline::agent::CgroupChoice::kAuto, *mounts, text, 0).IgnoreError();
  if (const auto interfaces = source::ParseNetDev(text); interfaces.ok()) {
    for (const source::InterfaceCounters& counters : *interfaces) {
      if (text.find(counters.interface) == std::string_view::npos) abort();
    }
  }
  source::ParseMdstat(text, [&](std::string_view metric, auto labels, double) {
    if (!metric.starts_with("node_md_") || labels.empty()) abort();
    if (text.find(labels[0].value) == std::string_view::npos) abort();
  }).IgnoreError();
  return 0;
}
