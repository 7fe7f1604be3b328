// Parsers of the node's files, one for each form, into node-exporter's names, labels and units.
//
// Each hands on what the text has; a line or number that is not as documented is left out and makes
// the result INVALID_ARGUMENT, which names it. Names are node-exporter's also where they come from
// the file (node_memory_Active_anon_bytes of "Active(anon)"), so a parser hands on more than is
// served: the metric catalogue decides. No limits but the files' sizes, which OpenFiles bounds.
// Thread-safe. Source: proc(5), kernel Documentation/filesystems/proc.rst, admin-guide/iostats.rst,
// accounting/psi.rst, drivers/md/md.c; node-exporter's collector/*_linux.go for names and units.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"

#include "agent/source/node/figure.h"
#include "common/string_map.h"

namespace leadline::agent::source {

absl::Status ParseMeminfo(std::string_view text, FigureSink sink);
absl::Status ParseVmstat(std::string_view text, FigureSink sink);
absl::Status ParseLoadavg(std::string_view text, FigureSink sink);
absl::Status ParseFileNr(std::string_view text, FigureSink sink);
absl::Status ParseSchedstat(std::string_view text, FigureSink sink);
// `resource`: cpu, memory, io. There is no figure of a CPU that stalls everything on a whole node.
absl::Status ParsePressure(std::string_view resource, std::string_view text, FigureSink sink);

absl::Status ParseDiskstats(std::string_view text, FigureSink sink);
// Partitions and pseudo devices, which node-exporter leaves out.
bool IsIgnoredDisk(std::string_view device);
// An array of whose disks or size a line is not as documented has no figures; one of whose
// synchronisation it is not lacks the progress.
absl::Status ParseMdstat(std::string_view text, FigureSink sink);

absl::Status ParseNetDevices(std::string_view text, FigureSink sink);
// The host's end of a pod's network, whose traffic is in the pod's own series.
bool IsPodInterface(std::string_view device);
// netstat and snmp have pairs of lines, names and numbers; snmp6 a name and a number a line.
absl::Status ParseNetstat(std::string_view text, FigureSink sink);
absl::Status ParseSnmp6(std::string_view text, FigureSink sink);
absl::Status ParseSockstat(std::string_view text, FigureSink sink);

// /proc/stat. The kernel's idle and iowait times step back at times (proc(5)); a counter must not,
// so the largest value stands until the file passes it, or the CPU was off and begins anew.
class CpuTimes {
 public:
  absl::Status Parse(std::string_view text, FigureSink sink);

  static constexpr size_t kColumns = 10;

 private:
  using Ticks = std::array<uint64_t, kColumns>;

  void Add(std::string_view cpu, const Ticks& now, FigureSink sink);

  StringMap<Ticks> last_;
};

}  // namespace leadline::agent::source
