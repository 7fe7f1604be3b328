// `leadline debug dump spool|recording|wire PATH`: what is in the agent's files, as text.
//
//   spool      a segment or the directory of segments: records, and with --messages what is in them
//   recording  every question and its answer, turn by turn
//   wire       what the agent of a recording sends: definitions and batches
//
// Errors: an absl::Status with file and offset; what comes before the damage is written. Thread:
// any.
#pragma once

#include <ostream>
#include <string>

#include "absl/status/status.h"

namespace leadline::cli {

struct DumpFlags {
  std::string path;
  bool messages = false;  // of a spool
};

absl::Status DumpSpool(const DumpFlags& flags, std::ostream& out);
absl::Status DumpRecording(const DumpFlags& flags, std::ostream& out);
absl::Status DumpWire(const DumpFlags& flags, std::ostream& out);

}  // namespace leadline::cli
