#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ostream.h>

#include "agent/meta/meta_event_fields.h"
#include "agent/probes/row_fields.h"
#include "agent/record/archive_text.h"
#include "agent/record/format.h"
#include "agent/record/replayer.h"
#include "agent/record/rows.h"
#include "agent/run_facts.h"
#include "agent/source/node_files.h"
#include "cli/debug/dump.h"
#include "cli/debug/wire_text.h"
#include "common/status_macros.h"
#include "common/status_text.h"

namespace leadline::cli {
namespace {

namespace meta = agent::meta;
namespace probes = agent::probes;
namespace record = agent::record;
namespace requests = agent::requests;
namespace source = agent::source;
using agent::ContainerNames;
using agent::RunFacts;
using record::Topic;

template <typename T>
std::string AnswerText(std::string_view bytes) {
  record::ArchiveReader reader(bytes);
  T answer{};
  reader.Get(answer);
  return reader.ok() ? record::ToText(answer) : "malformed";
}

template <typename Row>
std::string RowsText(std::string_view bytes) {
  record::ArchiveReader reader(bytes);
  std::string text;
  const absl::Status status = record::ReadRows<Row>(
      reader, [&](const Row& row) { text += "\n    " + record::ToText(row); });
  if (!reader.ok()) return text + "\n    malformed";
  return status.ok() ? text : text + "\n    " + status.ToString();
}

// How an answer is written: the first row of its topic and, where one is given, key.
struct AnswerKind {
  Topic topic;
  std::string_view key;  // "": any; one that ends with a blank: those that begin so
  std::string (*text)(std::string_view bytes);
};
constexpr AnswerKind kKinds[] = {
    {Topic::kRun, "", AnswerText<RunFacts>},
    {Topic::kClock, "", AnswerText<int64_t>},
    {Topic::kWait, "", AnswerText<uint8_t>},
    {Topic::kFile, "", AnswerText<source::FileText>},
    {Topic::kDirectory, "", AnswerText<source::Directory>},
    {Topic::kInode, "", AnswerText<source::Inode>},
    {Topic::kProbe, "syscalls", RowsText<probes::SyscallCounters>},
    {Topic::kProbe, "processes", RowsText<probes::ProcessCounters>},
    {Topic::kProbe, "tcp", RowsText<probes::ConnectionCounters>},
    {Topic::kProbe, "udp", RowsText<probes::ConnectionCounters>},
    {Topic::kProbe, "requests", RowsText<requests::RequestCounters>},
    {Topic::kProbe, "lifecycle", RowsText<probes::LifecycleEvent>},
    {Topic::kProbe, "losses", AnswerText<absl::StatusOr<std::vector<probes::ProbeLoss>>>},
    {Topic::kProbe, "untimed_syscalls", AnswerText<absl::StatusOr<uint64_t>>},
    {Topic::kProbe, "syscall_rows_used", AnswerText<uint32_t>},
    {Topic::kProbe, "has_totals", AnswerText<bool>},
    {Topic::kProbe, "totals", AnswerText<absl::Status>},
    {Topic::kProbe, "totals ", AnswerText<std::optional<probes::ProcessTotals>>},
    {Topic::kProbe, "ended ", AnswerText<std::optional<probes::ProcessTotals>>},
    {Topic::kProbe, "track ", AnswerText<bool>},
    {Topic::kKubernetes, "", AnswerText<std::vector<meta::MetaEvent>>},
    {Topic::kRuntime, "", AnswerText<std::optional<ContainerNames>>},
};

std::string TextOf(const record::Entry& entry) {
  for (const AnswerKind& kind : kKinds) {
    const bool is_key = kind.key.ends_with(' ') ? entry.key.starts_with(kind.key)
                                                : kind.key.empty() || kind.key == entry.key;
    if (kind.topic == entry.topic && is_key) return kind.text(entry.answer);
  }
  return fmt::format("{} bytes", entry.answer.size());
}

void WriteTurnEnd(std::string_view answer, uint64_t turn, std::ostream& out) {
  record::ArchiveReader reader(answer);
  int64_t unix_ms = 0;
  reader.Get(unix_ms);
  fmt::print(out, "--- turn {} ended {}\n", turn, TimeText(unix_ms));
}

absl::Status DumpEntries(record::BlockReader& blocks, std::ostream& out) {
  for (uint64_t turn = 1;;) {
    LL_ASSIGN_OR_RETURN(const auto contents, blocks.Next());
    if (!contents) return absl::OkStatus();
    ByteReader reader(*contents);
    while (const auto entry = record::TakeEntry(reader)) {
      if (entry->topic == Topic::kTurn) {
        WriteTurnEnd(entry->answer, turn++, out);
      } else if (entry->topic == Topic::kEnd) {
        out << "--- end\n";
      } else {
        fmt::print(out, "{} {}: {}\n", record::TopicName(entry->topic), entry->key, TextOf(*entry));
      }
    }
    if (!reader.ok()) {
      return absl::DataLossError(
          fmt::format("before byte {}: a block's contents are malformed", blocks.offset()));
    }
  }
}

}  // namespace

absl::Status DumpRecording(const DumpFlags& flags, std::ostream& out) {
  LL_ASSIGN_OR_RETURN(const std::string bytes, record::ReadRecording(flags.path));
  const auto in_file = [&](const absl::Status& status) {
    return absl::Status(status.code(),
                        fmt::format("recording {}: {}", flags.path, StatusMessage(status)));
  };
  auto blocks = record::BlockReader::Open(bytes);
  if (!blocks.ok()) return in_file(blocks.status());
  fmt::print(out, "recording {} begun {}\n", blocks->header().id.ToHex(),
             TimeText(blocks->header().begun_unix_ms));
  const absl::Status status = DumpEntries(*blocks, out);
  return status.ok() ? status : in_file(status);
}

}  // namespace leadline::cli
