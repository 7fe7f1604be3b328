#include "agent/source/node/bonds.h"

#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "agent/source/text.h"

namespace leadline::agent::source {
namespace {

struct BondSlaves {
  int all = 0;
  int active = 0;
};

// A copy: what OpenFiles has is valid until the next file is read.
std::optional<std::string> ReadAttribute(const std::string& path, OpenFiles& files) {
  const auto text = files.Read(path, OpenFiles::Records::kOne);
  return text ? std::optional<std::string>(*text) : std::nullopt;
}

std::optional<BondSlaves> CountSlaves(const std::string& folder, std::string_view master,
                                      OpenFiles& files) {
  const auto names = ReadAttribute(fmt::format("{}/{}/bonding/slaves", folder, master), files);
  if (!names) return std::nullopt;
  BondSlaves count;
  std::string_view rest = *names;
  for (auto slave = TakeWord(rest); !slave.empty(); slave = TakeWord(rest)) {
    const auto state =
        ReadAttribute(fmt::format("{}/{}/bonding_slave/mii_status", folder, slave), files);
    if (!state) return std::nullopt;
    ++count.all;
    if (*state == "up\n") ++count.active;  // the others: down, going down, going back
  }
  return count;
}

}  // namespace

void ReadBonds(const std::string& folder, OpenFiles& files, FigureSink sink) {
  const std::string masters = ReadAttribute(folder + "/bonding_masters", files).value_or("");
  std::string_view rest = masters;
  for (auto master = TakeWord(rest); !master.empty(); master = TakeWord(rest)) {
    const auto slaves = CountSlaves(folder, master, files);
    if (!slaves) continue;
    sink("node_bonding_slaves", {{{"master", master}}}, slaves->all);
    sink("node_bonding_active", {{{"master", master}}}, slaves->active);
  }
}

}  // namespace leadline::agent::source
