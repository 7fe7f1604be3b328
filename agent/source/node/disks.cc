#include <algorithm>

#include "agent/source/node/malformed.h"
#include "agent/source/node/parsers.h"
#include "agent/source/text.h"

namespace leadline::agent::source {
namespace {

constexpr double kSectorBytes = 512;  // of this file, whatever the device has
constexpr double kMilliseconds = 1e-3;

struct DiskColumn {
  const char* metric;
  double unit = 1;
};

// In the order of the file; older kernels have the first 11 or 15 only.
constexpr DiskColumn kDiskColumns[] = {
    {"node_disk_reads_completed_total"},
    {"node_disk_reads_merged_total"},
    {"node_disk_read_bytes_total", kSectorBytes},
    {"node_disk_read_time_seconds_total", kMilliseconds},
    {"node_disk_writes_completed_total"},
    {"node_disk_writes_merged_total"},
    {"node_disk_written_bytes_total", kSectorBytes},
    {"node_disk_write_time_seconds_total", kMilliseconds},
    {"node_disk_io_now"},
    {"node_disk_io_time_seconds_total", kMilliseconds},
    {"node_disk_io_time_weighted_seconds_total", kMilliseconds},
    {"node_disk_discards_completed_total"},
    {"node_disk_discards_merged_total"},
    {"node_disk_discarded_sectors_total"},
    {"node_disk_discard_time_seconds_total", kMilliseconds},
    {"node_disk_flush_requests_total"},
    {"node_disk_flush_requests_time_seconds_total", kMilliseconds},
};
constexpr size_t kLeastColumns = 11;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

std::string_view WithoutNumber(std::string_view name) {
  while (!name.empty() && IsDigit(name.back())) name.remove_suffix(1);
  return name;
}

// "sda" of "sda1": h, s, v or xv, then d and letters.
bool IsDiskOfLetters(std::string_view name) {
  if (name.starts_with("xv")) {
    name.remove_prefix(1);
  }
  if (name.size() < 3 || std::string_view("hsv").find(name[0]) == std::string_view::npos ||
      name[1] != 'd') {
    return false;
  }
  return std::all_of(name.begin() + 2, name.end(), [](char c) { return c >= 'a' && c <= 'z'; });
}

// "nvme0n1p" of "nvme0n1p2".
bool IsNvmePartition(std::string_view stem) {
  if (!stem.starts_with("nvme") || !stem.ends_with('p')) return false;
  stem.remove_prefix(4);
  stem.remove_suffix(1);
  const std::string_view controller = WithoutNumber(stem);
  return controller.size() < stem.size() && controller.ends_with('n') &&
         WithoutNumber(controller.substr(0, controller.size() - 1)).empty() &&
         controller.size() > 1;
}

}  // namespace

bool IsIgnoredDisk(std::string_view device) {
  const std::string_view stem = WithoutNumber(device);
  if (stem.size() == device.size()) return false;
  return stem == "ram" || stem == "loop" || stem == "fd" || IsDiskOfLetters(stem) ||
         IsNvmePartition(stem);
}

absl::Status ParseDiskstats(std::string_view text, FigureSink sink) {
  Malformed malformed;
  while (!text.empty()) {
    const std::string_view line = TakeUntil(text, '\n');
    std::string_view rest = line;
    TakeWord(rest);  // major and minor number
    TakeWord(rest);
    const std::string_view device = TakeWord(rest);
    if (IsIgnoredDisk(device)) continue;
    size_t columns = 0;
    for (const DiskColumn& column : kDiskColumns) {
      const auto value = ParseNumber<uint64_t>(TakeWord(rest));
      if (!value) break;
      ++columns;
      sink(column.metric, {{{"device", device}}}, static_cast<double>(*value) * column.unit);
    }
    if (columns < kLeastColumns) malformed.Note(line);
  }
  return malformed.ToStatus();
}

}  // namespace leadline::agent::source
