#include "agent/source/node/node_reader.h"

#include <sys/timex.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include <spdlog/spdlog.h>

#include "agent/record/tape.h"
#include "agent/source/file_reader.h"
#include "agent/source/node/bonds.h"
#include "agent/source/node/interfaces.h"
#include "agent/source/text.h"

namespace leadline::agent::source {
namespace {

using record::Taped;
using record::Topic;

constexpr absl::Duration kFilesystemTimeout = absl::Seconds(1);

absl::Status ParseCpuPressure(std::string_view text, FigureSink sink) {
  return ParsePressure("cpu", text, sink);
}
absl::Status ParseMemoryPressure(std::string_view text, FigureSink sink) {
  return ParsePressure("memory", text, sink);
}
absl::Status ParseIoPressure(std::string_view text, FigureSink sink) {
  return ParsePressure("io", text, sink);
}

// Below /proc.
constexpr struct {
  const char* file;
  absl::Status (*parse)(std::string_view text, FigureSink sink);
} kFiles[] = {
    {"/meminfo", ParseMeminfo},          {"/vmstat", ParseVmstat},
    {"/loadavg", ParseLoadavg},          {"/schedstat", ParseSchedstat},
    {"/diskstats", ParseDiskstats},      {"/sys/fs/file-nr", ParseFileNr},
    {"/pressure/cpu", ParseCpuPressure}, {"/pressure/memory", ParseMemoryPressure},
    {"/pressure/io", ParseIoPressure},   {"/1/net/dev", ParseNetDevices},
    {"/1/net/netstat", ParseNetstat},    {"/1/net/snmp", ParseNetstat},
    {"/1/net/snmp6", ParseSnmp6},        {"/1/net/sockstat", ParseSockstat},
    {"/1/net/sockstat6", ParseSockstat}, {"/mdstat", ParseMdstat},
};

// Files of one number. Those of the network are of the reader's namespace.
constexpr struct {
  const char* file;
  const char* metric;
  bool of_network = false;
} kNumbers[] = {
    {"/sys/kernel/random/entropy_avail", "node_entropy_available_bits"},
    {"/sys/kernel/random/poolsize", "node_entropy_pool_size_bits"},
    {"/sys/net/netfilter/nf_conntrack_count", "node_nf_conntrack_entries", true},
    {"/sys/net/netfilter/nf_conntrack_max", "node_nf_conntrack_entries_limit", true},
};

// uname(2).
struct SystemName {
  std::string system, release, version, machine, node, domain;
};
template <typename Archive>
void Fields(Archive& archive, SystemName& name) {
  archive("system", name.system, "release", name.release, "version", name.version, "machine",
          name.machine, "node", name.node, "domain", name.domain);
}

void ReadUname(FigureSink sink) {
  const auto name = Taped(Topic::kHost, "uname", []() -> std::optional<SystemName> {
    utsname now{};
    if (uname(&now) != 0) return std::nullopt;
    return SystemName{now.sysname, now.release,  now.version,
                      now.machine, now.nodename, now.domainname};
  });
  if (!name) return;
  sink("node_uname_info",
       {{{"sysname", name->system},
         {"release", name->release},
         {"version", name->version},
         {"machine", name->machine},
         {"nodename", name->node},
         {"domainname", name->domain}}},
       1);
}

// adjtimex(2).
struct ClockState {
  int state = -1;
  int status = 0;
  int64_t offset = 0, max_error = 0, estimated_error = 0;
};
template <typename Archive>
void Fields(Archive& archive, ClockState& clock) {
  archive("state", clock.state, "status", clock.status, "offset", clock.offset, "max_error",
          clock.max_error, "estimated_error", clock.estimated_error);
}

void ReadClock(absl::Time now, FigureSink sink) {
  sink("node_time_seconds", {}, absl::ToDoubleSeconds(now - absl::UnixEpoch()));
  const auto clock = Taped(Topic::kHost, "adjtimex", [] {
    timex asked{};
    const int state = adjtimex(&asked);
    return ClockState{state, asked.status, asked.offset, asked.maxerror, asked.esterror};
  });
  if (clock.state < 0) return;
  const double unit = (clock.status & STA_NANO) != 0 ? 1e-9 : 1e-6;
  sink("node_timex_sync_status", {}, clock.state == TIME_ERROR ? 0 : 1);
  sink("node_timex_offset_seconds", {}, static_cast<double>(clock.offset) * unit);
  sink("node_timex_maxerror_seconds", {}, static_cast<double>(clock.max_error) * 1e-6);
  sink("node_timex_estimated_error_seconds", {}, static_cast<double>(clock.estimated_error) * 1e-6);
}

// What the file systems said, which threads of their own ask.
struct FilesystemAnswers {
  std::vector<std::optional<FilesystemSize>> sizes;
  size_t hung = 0;
};
template <typename Archive>
void Fields(Archive& archive, FilesystemAnswers& answers) {
  archive("sizes", answers.sizes, "hung", answers.hung);
}

// Whether a file of both processes is the same; it is shared when their namespaces are.
bool SameText(const char* one, const char* other) {
  FileReader reader;
  const auto first = reader.Read(one);
  if (!first.ok()) return false;
  const std::string text(*first);
  const auto second = reader.Read(other);
  return second.ok() && text == *second;
}

}  // namespace

HostView FindHostView() {
  HostView view;
  const bool same_mounts = SameText("/proc/1/mounts", "/proc/self/mounts");
  view.own_namespaces = same_mounts;
  const int root_error = Taped(
      Topic::kHost, "access /proc/1/root/",
      [] { return access("/proc/1/root/", R_OK | X_OK) == 0 ? 0 : errno; }, ENOENT);
  if (root_error == 0) {
    view.root = "/proc/1/root";
  } else if (same_mounts) {
    view.root = "";
  } else {
    spdlog::warn(
        "the host's files cannot be seen (/proc/1/root: {}): no figures of its file systems and "
        "network devices' states",
        std::strerror(root_error));
  }
  return view;
}

NodeReader::NodeReader(HostView view, OpenFiles& files)
    : view_(std::move(view)), files_(files), filesystems_(kFilesystemTimeout) {}

NodeReadResult NodeReader::Read(absl::Time now, FigureSink sink) {
  NodeReadResult result;
  ReadFiles(sink, result);
  ReadNumbers(sink);
  ReadClock(now, sink);
  if (view_.own_namespaces) ReadUname(sink);
  if (view_.root) {
    const std::string interfaces = *view_.root + "/sys/class/net";
    ReadInterfaces(interfaces, files_, sink);
    ReadBonds(interfaces, files_, sink);
    ReadFilesystems(sink, result);
  }
  return result;
}

void NodeReader::ReadFiles(FigureSink sink, NodeReadResult& result) {
  const auto note = [&](std::string_view file, const absl::Status& status) {
    if (!status.ok()) result.malformed.emplace_back(file, status);
  };
  if (const auto text = files_.Read(view_.proc + "/stat")) {
    note("/stat", cpu_times_.Parse(*text, sink));
  }
  for (const auto& row : kFiles) {
    if (const auto text = files_.Read(view_.proc + row.file)) {
      note(row.file, row.parse(*text, sink));
    }
  }
}

void NodeReader::ReadNumbers(FigureSink sink) {
  for (const auto& row : kNumbers) {
    if (row.of_network && !view_.own_namespaces) continue;
    std::string_view text = files_.Read(view_.proc + row.file).value_or("");
    const auto value = ParseNumber<uint64_t>(TakeWord(text));
    if (value) sink(row.metric, {}, static_cast<double>(*value));
  }
}

void NodeReader::ReadFilesystems(FigureSink sink, NodeReadResult& result) {
  const auto text = files_.Read(view_.proc + "/1/mounts");
  if (!text) return;
  const Filesystems found = ParseMounts(*text);
  result.filesystems_left_out = found.left_out;
  std::vector<std::string> paths;
  paths.reserve(found.mounted.size());
  for (const Filesystem& filesystem : found.mounted) {
    paths.push_back(*view_.root + filesystem.mount_point);
  }
  FilesystemAnswers answers = Taped(Topic::kFilesystem, "all", [&] {
    auto sizes = filesystems_.Stat(paths);
    return FilesystemAnswers{std::move(sizes), filesystems_.hung()};
  });
  result.filesystems_hung = answers.hung;
  std::vector<std::optional<FilesystemSize>>& sizes = answers.sizes;
  sizes.resize(paths.size());
  for (size_t i = 0; i < sizes.size(); ++i) {
    const Filesystem& filesystem = found.mounted[i];
    const FigureLabel labels[] = {{"device", filesystem.device},
                                  {"fstype", filesystem.type},
                                  {"mountpoint", filesystem.mount_point}};
    sink("node_filesystem_device_error", labels, sizes[i] ? 0 : 1);
    sink("node_filesystem_readonly", labels, filesystem.read_only ? 1 : 0);
    if (!sizes[i]) continue;
    sink("node_filesystem_size_bytes", labels, sizes[i]->size_bytes);
    sink("node_filesystem_free_bytes", labels, sizes[i]->free_bytes);
    sink("node_filesystem_avail_bytes", labels, sizes[i]->available_bytes);
    sink("node_filesystem_files", labels, sizes[i]->files);
    sink("node_filesystem_files_free", labels, sizes[i]->files_free);
  }
}

}  // namespace leadline::agent::source
