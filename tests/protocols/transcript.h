// What the two ends of a connection said, as a text that people read and write, and the records
// that come of it.
//
//   # what this is about
//   connection tcp client 80       transport, the side of the socket's owner, the server's port;
//   "late": joined late > 0.000100 "GET / HTTP/1.1\r\n"
//     "Host: here\r\n\r\n"         client to server; seconds; pieces are put together
//   < 0.000900 "HTTP/1.1 200 OK\r\n" +4000    4000 more bytes that were not captured
//   < lost 120                     so many bytes that did not arrive
//   close 0.002                    the lengths of both directions are known; "close 0.002 unknown":
//   they are not tick 3.5                       time passes records                        the rest
//   of the file: one record a line
//
// Strings have the escapes \r \n \t \0 \" \\ and \xNN.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "agent/protocols/chunk.h"

namespace leadline::tests::protocols {

namespace base = agent::protocols::base;

struct Event {
  enum class Kind : uint8_t { kBytes, kLost, kTick, kClose };
  Kind kind = Kind::kBytes;
  base::Flow flow = base::Flow::kRequest;
  uint64_t ts_ns = 0;
  std::string bytes;
  uint64_t length = 0;  // uncaptured, or lost
  bool known_lengths = true;
};

struct Transcript {
  std::string name;
  std::string text;  // up to "records"
  base::ConnectionInfo info;
  base::Side side = base::Side::kClient;
  std::vector<Event> events;
  std::vector<std::string> records;
};

absl::StatusOr<Transcript> ParseTranscript(std::string_view text);
// All of tests/golden/protocols/<folder>, by name.
std::vector<Transcript> LoadTranscripts(std::string_view folder);

}  // namespace leadline::tests::protocols
