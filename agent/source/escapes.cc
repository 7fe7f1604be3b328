#include "agent/source/escapes.h"

namespace leadline::agent::source {
namespace {

bool IsOctal(std::string_view digits) {
  return digits.size() == 3 && digits.find_first_not_of("01234567") == std::string_view::npos;
}

}  // namespace

std::string UnescapeMountField(std::string_view field) {
  std::string path;
  while (!field.empty()) {
    const std::string_view digits = field.substr(1, 3);
    if (field[0] == '\\' && IsOctal(digits)) {
      path += static_cast<char>((digits[0] - '0') * 64 + (digits[1] - '0') * 8 + (digits[2] - '0'));
      field.remove_prefix(4);
    } else {
      path += field[0];
      field.remove_prefix(1);
    }
  }
  return path;
}

}  // namespace leadline::agent::source
