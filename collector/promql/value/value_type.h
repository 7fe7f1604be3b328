// The four types of PromQL expressions.
#pragma once

#include <cstdint>
#include <string_view>

namespace leadline::collector::promql {

enum class ValueType : uint8_t { kScalar, kString, kInstantVector, kRangeVector };

// As error messages have it: "scalar", "string", "instant vector", "range vector".
constexpr std::string_view ValueTypeName(ValueType type) {
  switch (type) {
    case ValueType::kScalar:
      return "scalar";
    case ValueType::kString:
      return "string";
    case ValueType::kInstantVector:
      return "instant vector";
    case ValueType::kRangeVector:
      return "range vector";
  }
  return "unknown";
}

}  // namespace leadline::collector::promql
