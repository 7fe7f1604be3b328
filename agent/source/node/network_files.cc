#include <unistd.h>

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "agent/source/node/malformed.h"
#include "agent/source/node/parsers.h"
#include "agent/source/text.h"

namespace leadline::agent::source {
namespace {

// How the network plugins in use name the host's end of a pod's interface.
constexpr std::string_view kPodInterfacePrefixes[] = {"azv", "cali", "eni", "gke", "lxc", "veth"};

constexpr const char* kDeviceColumns[] = {
    "node_network_receive_bytes_total",      "node_network_receive_packets_total",
    "node_network_receive_errs_total",       "node_network_receive_drop_total",
    "node_network_receive_fifo_total",       "node_network_receive_frame_total",
    "node_network_receive_compressed_total", "node_network_receive_multicast_total",
    "node_network_transmit_bytes_total",     "node_network_transmit_packets_total",
    "node_network_transmit_errs_total",      "node_network_transmit_drop_total",
    "node_network_transmit_fifo_total",      "node_network_transmit_colls_total",
    "node_network_transmit_carrier_total",   "node_network_transmit_compressed_total",
};

// As the names in the file begin.
constexpr std::string_view kSnmp6Protocols[] = {"Ip6", "Icmp6", "UdpLite6", "Udp6"};

}  // namespace

bool IsPodInterface(std::string_view device) {
  return std::any_of(std::begin(kPodInterfacePrefixes), std::end(kPodInterfacePrefixes),
                     [&](std::string_view prefix) { return device.starts_with(prefix); });
}

absl::Status ParseNetDevices(std::string_view text, FigureSink sink) {
  Malformed malformed;
  TakeUntil(text, '\n');  // two lines of headings
  TakeUntil(text, '\n');
  while (!text.empty()) {
    const std::string_view line = TakeUntil(text, '\n');
    const size_t colon = line.rfind(':');
    if (colon == std::string_view::npos) {
      malformed.Note(line);
      continue;
    }
    std::string_view name = line.substr(0, colon);
    const std::string_view device = TakeWord(name);
    if (IsPodInterface(device)) continue;
    std::string_view rest = line.substr(colon + 1);
    for (const char* metric : kDeviceColumns) {
      const auto value = ParseNumber<uint64_t>(TakeWord(rest));
      if (!value) {
        malformed.Note(line);
        break;
      }
      sink(metric, {{{"device", device}}}, static_cast<double>(*value));
    }
  }
  return malformed.ToStatus();
}

absl::Status ParseNetstat(std::string_view text, FigureSink sink) {
  Malformed malformed;
  while (!text.empty()) {
    const std::string_view line = TakeUntil(text, '\n');
    std::string_view names = line;
    std::string_view values = TakeUntil(text, '\n');
    std::string_view protocol = TakeWord(names);
    if (!protocol.ends_with(':') || TakeWord(values) != protocol) {
      malformed.Note(line);
      continue;
    }
    protocol.remove_suffix(1);
    for (std::string_view name = TakeWord(names); !name.empty(); name = TakeWord(names)) {
      const auto value = ParseNumber<int64_t>(TakeWord(values));
      if (!value) {
        malformed.Note(line);
        break;
      }
      sink(fmt::format("node_netstat_{}_{}", protocol, name), {}, static_cast<double>(*value));
    }
  }
  return malformed.ToStatus();
}

absl::Status ParseSnmp6(std::string_view text, FigureSink sink) {
  Malformed malformed;
  while (!text.empty()) {
    const std::string_view line = TakeUntil(text, '\n');
    std::string_view rest = line;
    const std::string_view key = TakeWord(rest);
    const auto* protocol =
        std::find_if(std::begin(kSnmp6Protocols), std::end(kSnmp6Protocols),
                     [&](std::string_view prefix) { return key.starts_with(prefix); });
    const auto value = ParseNumber<uint64_t>(TakeWord(rest));
    if (!value) {
      malformed.Note(line);
    } else if (protocol != std::end(kSnmp6Protocols)) {
      sink(fmt::format("node_netstat_{}_{}", *protocol, key.substr(protocol->size())), {},
           static_cast<double>(*value));
    }
  }
  return malformed.ToStatus();
}

absl::Status ParseSockstat(std::string_view text, FigureSink sink) {
  static const auto page_bytes = static_cast<double>(sysconf(_SC_PAGESIZE));
  Malformed malformed;
  while (!text.empty()) {
    const std::string_view line = TakeUntil(text, '\n');
    std::string_view rest = line;
    std::string_view protocol = TakeWord(rest);
    if (!protocol.ends_with(':')) {
      malformed.Note(line);
      continue;
    }
    protocol.remove_suffix(1);
    for (std::string_view name = TakeWord(rest); !name.empty(); name = TakeWord(rest)) {
      const auto value = ParseNumber<int64_t>(TakeWord(rest));
      if (!value) {
        malformed.Note(line);
        break;
      }
      const std::string metric = fmt::format("node_sockstat_{}_{}", protocol, name);
      sink(metric, {}, static_cast<double>(*value));
      if (name == "mem") sink(metric + "_bytes", {}, static_cast<double>(*value) * page_bytes);
    }
  }
  return malformed.ToStatus();
}

}  // namespace leadline::agent::source
