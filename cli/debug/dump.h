// `leadline debug dump spool|recording|wire|store PATH`: what is in our files, as text.
//
//   spool      a segment or the directory of segments: records, and with --messages what is in them
//   recording  every question and its answer, turn by turn
//   wire       what the agent of a recording sends: definitions and batches
//   store      a collector's data directory, of one that does not run: manifest, log, windows;
//              with --stats what takes the room
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
  // Of a store:
  std::string series;       // only the metric of that name; "": all
  std::string window;       // only windows with that in their name, as raw/2026-11-22; "": all
  bool statistics = false;  // rows and bytes in place of what they are
};

absl::Status DumpSpool(const DumpFlags& flags, std::ostream& out);
absl::Status DumpRecording(const DumpFlags& flags, std::ostream& out);
absl::Status DumpStore(const DumpFlags& flags, std::ostream& out);
absl::Status DumpWire(const DumpFlags& flags, std::ostream& out);

}  // namespace leadline::cli
