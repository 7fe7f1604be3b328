// Names of DNS' question types and response codes (IANA's registry); "_OTHER" for what is not in
// the tables.
#pragma once

#include <cstdint>
#include <string_view>

namespace leadline::agent::protocols::dns {

// In static storage.
std::string_view TypeName(uint16_t type);
std::string_view ResponseCodeName(uint8_t code);

}  // namespace leadline::agent::protocols::dns
