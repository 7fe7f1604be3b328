#include "agent/source/node/interfaces.h"

#include <charconv>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/source/node/parsers.h"
#include "agent/source/node_files.h"
#include "agent/source/text.h"

namespace leadline::agent::source {
namespace {

struct Attribute {
  const char* file;
  const char* metric;
  double unit = 1;
};

constexpr Attribute kAttributes[] = {
    {"addr_assign_type", "node_network_address_assign_type"},
    {"carrier", "node_network_carrier"},
    {"carrier_changes", "node_network_carrier_changes_total"},
    {"carrier_down_count", "node_network_carrier_down_changes_total"},
    {"carrier_up_count", "node_network_carrier_up_changes_total"},
    {"dev_id", "node_network_device_id"},
    {"dormant", "node_network_dormant"},
    {"flags", "node_network_flags"},
    {"ifindex", "node_network_iface_id"},
    {"iflink", "node_network_iface_link"},
    {"link_mode", "node_network_iface_link_mode"},
    {"mtu", "node_network_mtu_bytes"},
    {"name_assign_type", "node_network_name_assign_type"},
    {"netdev_group", "node_network_net_dev_group"},
    {"speed", "node_network_speed_bytes", 1e6 / 8},  // of Mbit/s; -1 is unknown
    {"tx_queue_len", "node_network_transmit_queue_length"},
    {"type", "node_network_protocol_type"},
};

// The labels of node_network_info; each is the file of its name.
constexpr const char* kInfoLabels[] = {"address", "broadcast", "duplex", "ifalias", "operstate"};

// Decimal, or hexadecimal after 0x.
std::optional<uint64_t> ParseAttribute(std::string_view word) {
  if (!word.starts_with("0x")) return ParseNumber<uint64_t>(word);
  word.remove_prefix(2);
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value, 16);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

std::vector<std::string> Names(const std::string& folder) {
  std::vector<std::string> names;
  for (DirectoryEntry& entry : ListDirectory(folder).entries) {
    if (entry.name[0] != '.' && !IsPodInterface(entry.name)) names.push_back(std::move(entry.name));
  }
  return names;
}

}  // namespace

void ReadInterfaces(const std::string& folder, OpenFiles& files, FigureSink sink) {
  std::string path;
  const auto read = [&](const std::string& device, const char* file) {
    path.assign(folder).append("/").append(device).append("/").append(file);
    return files.Read(path, OpenFiles::Records::kOne);
  };
  for (const std::string& device : Names(folder)) {
    if (!read(device, "ifindex")) continue;  // bonding_masters and the like are no devices
    for (const Attribute& attribute : kAttributes) {
      std::string_view text = read(device, attribute.file).value_or("");
      const auto value = ParseAttribute(TakeWord(text));
      if (!value) continue;
      sink(attribute.metric, {{{"device", device}}}, static_cast<double>(*value) * attribute.unit);
    }
    std::vector<std::string> info;
    for (const char* label : kInfoLabels) {
      std::string_view text = read(device, label).value_or("");
      info.emplace_back(TakeUntil(text, '\n'));
    }
    std::vector<FigureLabel> labels = {{"device", device}};
    for (size_t i = 0; i < info.size(); ++i) labels.push_back({kInfoLabels[i], info[i]});
    sink("node_network_info", labels, 1);
    sink("node_network_up", {{{"device", device}}}, info.back() == "up" ? 1 : 0);
  }
}

}  // namespace leadline::agent::source
