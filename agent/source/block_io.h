// Reads and writes of a cgroup by block device, as the kernel's block layer counts them.
//
// v1: blkio.throttle.io_serviced_recursive and io_service_bytes_recursive, a line "major:minor Read
// 17" a number. v2: io.stat, "major:minor rbytes=1 wbytes=2 rios=3 wios=4 ...". What is not in the
// files is absent. Devices past kMaxDevices are left out. Threading: DeviceNames is not
// thread-safe. Source: kernel Documentation/admin-guide/cgroup-v1/blkio-controller.rst and
// cgroup-v2.rst.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/source/open_files.h"
#include "common/string_map.h"

namespace leadline::agent::source {

struct DeviceIo {
  std::string device;  // "major:minor"
  std::optional<uint64_t> reads;
  std::optional<uint64_t> read_bytes;
  std::optional<uint64_t> writes;
  std::optional<uint64_t> write_bytes;

  bool operator==(const DeviceIo&) const = default;
};

// Each adds to `devices` what its file says.
void ParseBlkioServiced(std::string_view text, std::vector<DeviceIo>& devices);
void ParseBlkioServiceBytes(std::string_view text, std::vector<DeviceIo>& devices);
void ParseIoStat(std::string_view text, std::vector<DeviceIo>& devices);

inline constexpr size_t kMaxDevices = 256;

// "/dev/vda" of "254:0", from /sys/dev/block.
class DeviceNames {
 public:
  explicit DeviceNames(OpenFiles& files) : files_(files) {}

  // The number itself for a device that has no name. Valid until Clear.
  const std::string& Of(const std::string& device);

  // Numbers are given to other devices in time, so names hold for a round.
  void Clear() { names_.clear(); }

 private:
  OpenFiles& files_;
  StringMap<std::string> names_;
};

}  // namespace leadline::agent::source
