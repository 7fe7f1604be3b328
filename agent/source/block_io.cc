#include "agent/source/block_io.h"

#include <algorithm>

#include <fmt/format.h>

#include "agent/source/text.h"

namespace leadline::agent::source {
namespace {

using Figure = std::optional<uint64_t> DeviceIo::*;

DeviceIo* Find(std::string_view device, std::vector<DeviceIo>& devices) {
  const auto it = std::find_if(devices.begin(), devices.end(),
                               [&](const DeviceIo& io) { return io.device == device; });
  if (it != devices.end()) return &*it;
  if (devices.size() == kMaxDevices) return nullptr;
  return &devices.emplace_back(DeviceIo{.device = std::string(device)});
}

bool IsDevice(std::string_view word) {
  std::string_view minor = word;
  const std::string_view major = TakeUntil(minor, ':');
  return ParseNumber<uint32_t>(major) && ParseNumber<uint32_t>(minor);
}

void ParseBlkio(std::string_view text, Figure read, Figure write, std::vector<DeviceIo>& devices) {
  while (!text.empty()) {
    std::string_view line = TakeUntil(text, '\n');
    const std::string_view device = TakeWord(line);
    const std::string_view operation = TakeWord(line);
    if ((operation != "Read" && operation != "Write") || !IsDevice(device)) continue;
    const auto value = ParseNumber<uint64_t>(TakeWord(line));
    DeviceIo* io = value ? Find(device, devices) : nullptr;
    if (io != nullptr) io->*(operation == "Read" ? read : write) = value;
  }
}

}  // namespace

void ParseBlkioServiced(std::string_view text, std::vector<DeviceIo>& devices) {
  ParseBlkio(text, &DeviceIo::reads, &DeviceIo::writes, devices);
}

void ParseBlkioServiceBytes(std::string_view text, std::vector<DeviceIo>& devices) {
  ParseBlkio(text, &DeviceIo::read_bytes, &DeviceIo::write_bytes, devices);
}

void ParseIoStat(std::string_view text, std::vector<DeviceIo>& devices) {
  constexpr struct {
    std::string_view name;
    Figure figure;
  } kFigures[] = {
      {"rios", &DeviceIo::reads},
      {"rbytes", &DeviceIo::read_bytes},
      {"wios", &DeviceIo::writes},
      {"wbytes", &DeviceIo::write_bytes},
  };
  while (!text.empty()) {
    std::string_view line = TakeUntil(text, '\n');
    const std::string_view device = TakeWord(line);
    if (!IsDevice(device)) continue;
    for (std::string_view item = TakeWord(line); !item.empty(); item = TakeWord(line)) {
      const std::string_view name = TakeUntil(item, '=');
      const auto* row = std::find_if(std::begin(kFigures), std::end(kFigures),
                                     [&](const auto& r) { return r.name == name; });
      if (row == std::end(kFigures)) continue;
      const auto value = ParseNumber<uint64_t>(item);
      DeviceIo* io = value ? Find(device, devices) : nullptr;
      if (io != nullptr) io->*row->figure = value;
    }
  }
}

const std::string& DeviceNames::Of(const std::string& device) {
  const auto [it, is_new] = names_.try_emplace(device, device);
  if (!is_new) return it->second;
  const auto uevent =
      files_.Read(fmt::format("/sys/dev/block/{}/uevent", device), OpenFiles::Records::kOne);
  std::string_view text = uevent.value_or("");
  while (!text.empty()) {
    std::string_view value = TakeUntil(text, '\n');
    if (TakeUntil(value, '=') == "DEVNAME") it->second = fmt::format("/dev/{}", value);
  }
  return it->second;
}

}  // namespace leadline::agent::source
