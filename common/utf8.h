// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace leadline {

bool IsValidUtf8(std::string_view text);

// How many characters (code points) it has. REQUIRES: it is valid.
size_t CountCharacters(std::string_view text);

// `text` with every byte that is not part of a valid character replaced by U+FFFD.
std::string ToValidUtf8(std::string_view text);

// Appends a character. REQUIRES: a code point, and no surrogate.
void AppendUtf8(uint32_t code_point, std::string& out);

}  // namespace leadline
