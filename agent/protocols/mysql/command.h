// MySQL's commands, as the first byte of a request has them.
// Source: https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_command_phase.html
#pragma once

#include <cstdint>
#include <string_view>

namespace leadline::agent::protocols::mysql {

enum class Command : uint8_t {
  kQuit = 0x01,
  kQuery = 0x03,
  kFieldList = 0x04,
  kStatistics = 0x09,
  kChangeUser = 0x11,
  kPrepare = 0x16,
  kExecute = 0x17,
  kLongData = 0x18,
  kClose = 0x19,
  kFetch = 0x1c,
  kBulkExecute = 0xfa,  // MariaDB's
};

// What follows the command.
enum class Answer : uint8_t {
  kUnknown,  // no such command
  kNone,
  kResult,  // OK, an error, or columns and rows
  kRows,    // rows or columns alone, up to their end
  kText,    // one packet, whatever is in it
  kPrepared,
  kStream,  // replication
};

struct CommandRow {
  Answer answer = Answer::kUnknown;
  std::string_view name;  // for commands that carry no SQL; in static storage
  bool hidden = false;    // a part of what is told of another command
};

CommandRow FindCommand(uint8_t command);

}  // namespace leadline::agent::protocols::mysql
