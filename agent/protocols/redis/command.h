// Redis' commands and error codes by name: what of a request and a reply may be told. Others are
// "_OTHER".
#pragma once

#include <cstdint>
#include <string_view>

namespace leadline::agent::protocols::redis {

// What a command does to the connection.
enum class Effect : uint8_t {
  kNone,
  kStream,  // after its reply the server sends without being asked
  kClient,  // CLIENT, which may switch replies off
};

struct Command {
  std::string_view name;  // in static storage
  Effect effect = Effect::kNone;
  bool known = false;
};

// In whatever case it is written.
Command FindCommand(std::string_view name);

// "WRONGTYPE" of "WRONGTYPE Operation against ...".
std::string_view ErrorCode(std::string_view message);

}  // namespace leadline::agent::protocols::redis
