// Every figure of the node that node-exporter's default collectors have and dashboards use.
//
//   NodeReader reader(FindHostView(), files);
//   const NodeReadResult result = reader.Read(now, sink);
//
// The files are rows of a table in node_reader.cc: a path and a parser. A file that is not there
// gives no figures. Everything is the host's, also when the agent runs in a pod with hostPID: its
// network by /proc/1/net, its mounts and sysfs by /proc/1/root. Not thread-safe. `files` must
// outlive it; the caller ends its rounds.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"

#include "agent/source/node/figure.h"
#include "agent/source/node/filesystems.h"
#include "agent/source/node/parsers.h"
#include "agent/source/open_files.h"

namespace leadline::agent::source {

// Where the host is seen from here.
struct HostView {
  std::string proc = "/proc";
  // In front of the host's paths: "/proc/1/root", "" where the agent has the host's mounts itself,
  // nullopt where they cannot be seen: then there are no figures of file systems and of sysfs.
  std::optional<std::string> root;
  // Sysctls and uname are those of the caller's namespaces; false: no figures of them.
  bool own_namespaces = false;
};

HostView FindHostView();

struct NodeReadResult {
  std::vector<std::pair<std::string_view, absl::Status>> malformed;  // by file
  size_t filesystems_left_out = 0;
  size_t filesystems_hung = 0;
};

class NodeReader {
 public:
  NodeReader(HostView view, OpenFiles& files);

  // Of the time `now`. The sink may be given figures that are not served (see parsers.h).
  NodeReadResult Read(absl::Time now, FigureSink sink);

 private:
  void ReadFiles(FigureSink sink, NodeReadResult& result);
  void ReadNumbers(FigureSink sink);
  void ReadFilesystems(FigureSink sink, NodeReadResult& result);

  const HostView view_;
  OpenFiles& files_;
  CpuTimes cpu_times_;
  FilesystemStat filesystems_;
};

}  // namespace leadline::agent::source
