// Recordings: blocks and entries of any file, and answers of any bytes.
#include <cstdint>
#include <string_view>

#include "agent/meta/meta_event_fields.h"
#include "agent/probes/row_fields.h"
#include "agent/record/format.h"
#include "agent/record/rows.h"
#include "agent/source/node_files.h"

namespace {

using namespace leadline::agent;

template <typename T>
void ReadAnswer(std::string_view bytes) {
  record::ArchiveReader reader(bytes);
  T answer{};
  reader.Get(answer);
}

template <typename Row>
void ReadAnswerRows(std::string_view bytes) {
  record::ArchiveReader reader(bytes);
  record::ReadRows<Row>(reader, [](const Row&) {}).IgnoreError();
}

void ReadEntries(std::string_view contents) {
  leadline::ByteReader reader(contents);
  while (const auto entry = record::TakeEntry(reader)) {
    ReadAnswer<source::FileText>(entry->answer);
    ReadAnswer<source::Directory>(entry->answer);
    ReadAnswer<std::vector<meta::MetaEvent>>(entry->answer);
    ReadAnswer<absl::StatusOr<std::vector<probes::ProbeLoss>>>(entry->answer);
    ReadAnswerRows<probes::SyscallCounters>(entry->answer);
    ReadAnswerRows<probes::ProcessCounters>(entry->answer);
    ReadAnswerRows<probes::LifecycleEvent>(entry->answer);
    ReadAnswerRows<probes::ConnectionCounters>(entry->answer);
    ReadAnswer<std::optional<probes::ProcessTotals>>(entry->answer);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  ReadEntries(bytes);
  auto blocks = record::BlockReader::Open(bytes);
  if (!blocks.ok()) return 0;
  while (true) {
    const auto contents = blocks->Next();
    if (!contents.ok() || !*contents) return 0;
    ReadEntries(**contents);
  }
}
