// /proc/mdstat: the arrays of software RAID, each with a line of its name, state and disks, and
// indented ones of its size, of a synchronisation under way and of its bitmap.
#include <algorithm>
#include <optional>

#include "agent/source/node/malformed.h"
#include "agent/source/node/parsers.h"
#include "agent/source/text.h"

namespace leadline::agent::source {
namespace {

struct MdArray {
  std::string_view device;
  std::string_view state;
  bool redundant = true;
  uint64_t members = 0;  // as listed, whatever their state
  uint64_t required = 0;
  uint64_t active = 0;
  uint64_t failed = 0;
  uint64_t spare = 0;
  std::optional<uint64_t> blocks;
  std::optional<uint64_t> synced;
};

// Later kernels have "broken" as well, which is none of them.
constexpr std::string_view kMdStates[] = {"active", "check", "inactive", "recovering", "resync"};

constexpr struct {
  std::string_view state;
  uint64_t MdArray::*disks;
} kMdDisks[] = {
    {"active", &MdArray::active}, {"failed", &MdArray::failed}, {"spare", &MdArray::spare}};

// Those that work with all of their disks only, and do not count them.
constexpr std::string_view kMdWithoutRedundancy[] = {"faulty", "linear", "raid0"};

// What goes on in an array, and the state that it stands for. There is none for a reshape.
constexpr struct {
  std::string_view word;
  std::string_view state;
} kMdSyncs[] = {{"check", "check"},
                {"recover", "recovering"},
                {"recovery", "recovering"},
                {"reshape", "active"},
                {"resync", "resync"}};

bool IsBlank(std::string_view line) { return TakeWord(line).empty(); }

// The lines before and after the arrays.
bool IsOfAllArrays(std::string_view line) {
  return line.starts_with("Personalities :") || line.starts_with("unused devices:");
}

std::string_view TakeIndented(std::string_view& text) {
  size_t end = 0;
  while (end < text.size() && text[end] == ' ') {
    const size_t newline = text.find('\n', end);
    end = newline == std::string_view::npos ? text.size() : newline + 1;
  }
  const std::string_view lines = text.substr(0, end);
  text.remove_prefix(end);
  return lines;
}

// "md0 : active (auto-read-only) raid1 sdb1[1] sda1[0](F)".
std::optional<MdArray> ParseMdMembers(std::string_view line) {
  MdArray array;
  array.device = TakeWord(line);
  const bool named = TakeWord(line) == ":";
  array.state = TakeWord(line);
  if (!named || array.state.empty()) return std::nullopt;
  for (auto word = TakeWord(line); !word.empty(); word = TakeWord(line)) {
    if (std::count(std::begin(kMdWithoutRedundancy), std::end(kMdWithoutRedundancy), word) > 0) {
      array.redundant = false;
    }
    if (word.find('[') == std::string_view::npos) continue;
    ++array.members;
    if (word.find("(F)") != std::string_view::npos) ++array.failed;
    if (word.find("(S)") != std::string_view::npos) ++array.spare;
  }
  return array;
}

// "[3/2]", the required disks and the active ones.
bool ParseMdCounts(std::string_view word, MdArray& array) {
  if (!word.starts_with('[') || !word.ends_with(']')) return false;
  word = word.substr(1, word.size() - 2);
  const auto required = ParseNumber<uint64_t>(TakeUntil(word, '/'));
  const auto active = ParseNumber<uint64_t>(word);
  if (!required || !active) return false;
  array.required = *required;
  array.active = *active;
  return true;
}

// "6306 blocks super 1.2 level 5, 64k chunk, algorithm 2 [3/2] [_UU]".
bool ParseMdSize(std::string_view line, MdArray& array) {
  const bool active = array.state != "inactive";
  if (!active && IsBlank(line)) return true;  // not a disk yet
  array.blocks = ParseNumber<uint64_t>(TakeWord(line));
  array.synced = array.blocks;
  if (!array.blocks || TakeWord(line) != "blocks") return false;
  if (!active) return true;
  if (!array.redundant) {
    array.required = array.active = array.members;
    return true;
  }
  for (auto word = TakeWord(line); !word.empty(); word = TakeWord(line)) {
    if (ParseMdCounts(word, array)) return true;
  }
  return false;
}

// "[==>..]  recovery = 12.6% (37043392/292945152) finish=127.5min", "resync=DELAYED", or another.
bool ParseMdSync(std::string_view line, MdArray& array) {
  for (auto word = TakeWord(line); !word.empty(); word = TakeWord(line)) {
    const std::string_view name = TakeUntil(word, '=');
    const auto* sync = std::find_if(std::begin(kMdSyncs), std::end(kMdSyncs),
                                    [&](const auto& row) { return row.word == name; });
    if (sync == std::end(kMdSyncs)) continue;
    array.state = sync->state;
    array.synced.reset();
    if (word == "REMOTE") return true;  // another machine of the cluster does it
    if (word == "DELAYED" || word == "PENDING") {
      array.synced = 0;
      return true;
    }
    TakeUntil(line, '(');
    array.synced = ParseNumber<uint64_t>(TakeUntil(line, '/'));
    return array.synced.has_value();
  }
  return true;
}

void HandOn(const MdArray& array, FigureSink sink) {
  const FigureLabel device = {"device", array.device};
  for (const std::string_view state : kMdStates) {
    sink("node_md_state", {{device, {"state", state}}}, state == array.state ? 1 : 0);
  }
  sink("node_md_disks_required", {{device}}, static_cast<double>(array.required));
  for (const auto& row : kMdDisks) {
    sink("node_md_disks", {{device, {"state", row.state}}}, static_cast<double>(array.*row.disks));
  }
  if (array.blocks) sink("node_md_blocks", {{device}}, static_cast<double>(*array.blocks));
  if (array.synced) sink("node_md_blocks_synced", {{device}}, static_cast<double>(*array.synced));
}

}  // namespace

absl::Status ParseMdstat(std::string_view text, FigureSink sink) {
  Malformed malformed;
  while (!text.empty()) {
    const std::string_view line = TakeUntil(text, '\n');
    if (IsBlank(line) || IsOfAllArrays(line)) continue;
    std::string_view details = TakeIndented(text);
    std::optional<MdArray> array = ParseMdMembers(line);
    if (!array) {
      malformed.Note(line);
      continue;
    }
    const std::string_view size = TakeUntil(details, '\n');
    if (!ParseMdSize(size, *array)) {
      malformed.Note(size.empty() ? line : size);
      continue;
    }
    while (!details.empty()) {
      const std::string_view detail = TakeUntil(details, '\n');
      if (!ParseMdSync(detail, *array)) malformed.Note(detail);
    }
    HandOn(*array, sink);
  }
  return malformed.ToStatus();
}

}  // namespace leadline::agent::source
