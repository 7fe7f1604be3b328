// Numbers as Prometheus' API writes them, as Go's strconv does.
//
// What is called Put writes from `at` on, where there is room enough, and gives the end of it. Pure
// functions.
#pragma once

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace leadline::collector::api {

// Room for each.
inline constexpr size_t kIntegerBytes = 20;
inline constexpr size_t kTimeBytes = 24;
inline constexpr size_t kFloatBytes = 64;
inline constexpr size_t kFixedBytes = 400;  // without an exponent the smallest has 340

inline char* PutText(std::string_view text, char* at) {
  return std::copy(text.begin(), text.end(), at);
}

template <typename Integer>
char* PutInteger(Integer value, char* at) {
  return std::to_chars(at, at + kIntegerBytes, value).ptr;
}

// Milliseconds as a number of seconds: 1435781451.781.
char* PutTime(int64_t ts_ms, char* at);

// The shortest text that gives the same number back: "0.1", "+Inf", "NaN", "1e-07", and no exponent
// from 1e-6 up to 1e21.
char* PutFloat(double value, char* at);
void AppendFloat(double value, std::string& out);
// The same, never with an exponent.
char* PutFixed(double value, char* at);
void AppendFixed(double value, std::string& out);

}  // namespace leadline::collector::api
