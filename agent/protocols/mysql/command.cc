#include "agent/protocols/mysql/command.h"

#include <iterator>

namespace leadline::agent::protocols::mysql {
namespace {

// By number.
constexpr CommandRow kCommands[] = {
    {},                                                   // 0x00 COM_SLEEP, inside the server only
    {.answer = Answer::kNone},                            // 0x01 COM_QUIT
    {.answer = Answer::kResult, .name = "USE"},           // 0x02 COM_INIT_DB
    {.answer = Answer::kResult},                          // 0x03 COM_QUERY
    {.answer = Answer::kRows, .name = "FIELD LIST"},      // 0x04 COM_FIELD_LIST
    {.answer = Answer::kResult, .name = "CREATE DB"},     // 0x05
    {.answer = Answer::kResult, .name = "DROP DB"},       // 0x06
    {.answer = Answer::kResult, .name = "REFRESH"},       // 0x07
    {.answer = Answer::kResult, .name = "SHUTDOWN"},      // 0x08
    {.answer = Answer::kText, .name = "STATISTICS"},      // 0x09
    {.answer = Answer::kResult, .name = "PROCESS INFO"},  // 0x0a
    {},                                                   // 0x0b COM_CONNECT, inside
    {.answer = Answer::kResult, .name = "KILL"},          // 0x0c COM_PROCESS_KILL
    {.answer = Answer::kResult, .name = "DEBUG"},         // 0x0d
    {.answer = Answer::kResult, .name = "PING"},          // 0x0e
    {},                                                   // 0x0f COM_TIME, inside
    {},                                                   // 0x10 COM_DELAYED_INSERT, inside
    {.answer = Answer::kResult, .name = "CHANGE USER"},   // 0x11
    {.answer = Answer::kStream},                          // 0x12 COM_BINLOG_DUMP
    {.answer = Answer::kStream},                          // 0x13 COM_TABLE_DUMP
    {},                                                   // 0x14 COM_CONNECT_OUT, inside
    {.answer = Answer::kStream},                          // 0x15 COM_REGISTER_SLAVE
    {.answer = Answer::kPrepared, .hidden = true},        // 0x16 COM_STMT_PREPARE
    {.answer = Answer::kResult},                          // 0x17 COM_STMT_EXECUTE
    {.answer = Answer::kNone},                            // 0x18 COM_STMT_SEND_LONG_DATA
    {.answer = Answer::kNone},                            // 0x19 COM_STMT_CLOSE
    {.answer = Answer::kResult, .hidden = true},          // 0x1a COM_STMT_RESET
    {.answer = Answer::kResult, .name = "SET OPTION"},    // 0x1b
    {.answer = Answer::kRows, .name = "FETCH"},           // 0x1c COM_STMT_FETCH
    {},                                                   // 0x1d COM_DAEMON, inside
    {.answer = Answer::kStream},                          // 0x1e COM_BINLOG_DUMP_GTID
    {.answer = Answer::kResult, .name = "RESET CONNECTION"},  // 0x1f
};

}  // namespace

CommandRow FindCommand(uint8_t command) {
  if (command < std::size(kCommands)) return kCommands[command];
  if (command == static_cast<uint8_t>(Command::kBulkExecute)) return {.answer = Answer::kResult};
  return {};
}

}  // namespace leadline::agent::protocols::mysql
