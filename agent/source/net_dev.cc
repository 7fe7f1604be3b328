#include "agent/source/net_dev.h"

#include <fmt/format.h>

#include "agent/source/node_files.h"
#include "agent/source/text.h"
#include "common/status_macros.h"

namespace leadline::agent::source {

absl::StatusOr<std::vector<InterfaceCounters>> ParseNetDev(std::string_view text) {
  // Two lines of headings, then "name: eight receive columns, eight transmit columns".
  constexpr uint64_t InterfaceCounters::*kColumns[16] = {
      &InterfaceCounters::receive_bytes,
      &InterfaceCounters::receive_packets,
      &InterfaceCounters::receive_errors,
      &InterfaceCounters::receive_dropped,
      nullptr,
      nullptr,
      nullptr,
      nullptr,
      &InterfaceCounters::transmit_bytes,
      &InterfaceCounters::transmit_packets,
      &InterfaceCounters::transmit_errors,
      &InterfaceCounters::transmit_dropped,
      nullptr,
      nullptr,
      nullptr,
      nullptr,
  };
  TakeUntil(text, '\n');
  TakeUntil(text, '\n');
  std::vector<InterfaceCounters> interfaces;
  while (!text.empty()) {
    const std::string_view line = TakeUntil(text, '\n');
    const size_t colon = line.rfind(':');
    if (colon == std::string_view::npos) {
      return absl::InvalidArgumentError(fmt::format("net/dev has no ':' in: {}", line));
    }
    std::string_view name = line.substr(0, colon);
    std::string_view columns = line.substr(colon + 1);
    InterfaceCounters counters{.interface = std::string(TakeWord(name))};
    for (const auto& column : kColumns) {
      const auto value = ParseNumber<uint64_t>(TakeWord(columns));
      if (!value) {
        return absl::InvalidArgumentError(fmt::format("net/dev has not 16 numbers in: {}", line));
      }
      if (column != nullptr) counters.*column = *value;
    }
    if (counters.interface != "lo") interfaces.push_back(std::move(counters));
  }
  return interfaces;
}

absl::StatusOr<std::vector<InterfaceCounters>> ReadNetDev(int32_t pid, FileReader& reader) {
  LL_ASSIGN_OR_RETURN(const std::string_view text,
                      reader.Read(fmt::format("/proc/{}/net/dev", pid)));
  return ParseNetDev(text);
}

absl::StatusOr<uint64_t> NetworkNamespace(int32_t pid) {
  const std::string path = fmt::format("/proc/{}/ns/net", pid);
  const Inode inode = InodeOf(path);
  if (inode.error != 0) return FileError("stat", path, inode.error);
  return inode.number;
}

}  // namespace leadline::agent::source
