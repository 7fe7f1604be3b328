#include "collector/remote/otlp/attributes.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include <boost/json.hpp>
#include <fmt/format.h>

#include "collector/remote/otlp/names.h"

namespace leadline::collector::remote::otlp {
namespace {

namespace json = boost::json;

constexpr int kMaxValueDepth = 32;  // deeper ones are null

json::value ToJson(const pb::AnyValue& value, int depth) {
  if (depth > kMaxValueDepth) return nullptr;
  switch (value.value_case()) {
    case pb::AnyValue::kStringValue:
      return json::string(value.string_value());
    case pb::AnyValue::kBoolValue:
      return value.bool_value();
    case pb::AnyValue::kIntValue:
      return value.int_value();
    case pb::AnyValue::kDoubleValue:
      return value.double_value();
    case pb::AnyValue::kArrayValue: {
      json::array array;
      for (const pb::AnyValue& item : value.array_value().values()) {
        array.push_back(ToJson(item, depth + 1));
      }
      return array;
    }
    case pb::AnyValue::kKvlistValue: {
      json::object object;
      for (const pb::KeyValue& item : value.kvlist_value().values()) {
        object.insert_or_assign(item.key(), ToJson(item.value(), depth + 1));
      }
      return object;
    }
    case pb::AnyValue::kBytesValue:
      return json::string(absl::Base64Escape(value.bytes_value()));
    case pb::AnyValue::VALUE_NOT_SET:
      break;
  }
  return nullptr;
}

}  // namespace

std::string NumberText(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char text[512];  // the longest without an exponent has some 330 characters
  const auto end = std::to_chars(text, text + sizeof(text), value, std::chars_format::fixed);
  return {text, end.ptr};
}

std::string ValueText(const pb::AnyValue& value) {
  switch (value.value_case()) {
    case pb::AnyValue::kStringValue:
      return value.string_value();
    case pb::AnyValue::kBoolValue:
      return value.bool_value() ? "true" : "false";
    case pb::AnyValue::kIntValue:
      return fmt::format("{}", value.int_value());
    case pb::AnyValue::kDoubleValue:
      return NumberText(value.double_value());
    case pb::AnyValue::kBytesValue:
      return absl::Base64Escape(value.bytes_value());
    case pb::AnyValue::kArrayValue:
    case pb::AnyValue::kKvlistValue:
      return json::serialize(ToJson(value, 0));
    case pb::AnyValue::VALUE_NOT_SET:
      break;
  }
  return "";
}

Labels ToLabels(const Attributes& attributes) {
  std::vector<const pb::KeyValue*> sorted;
  for (const pb::KeyValue& attribute : attributes) sorted.push_back(&attribute);
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const auto* a, const auto* b) { return a->key() < b->key(); });
  Labels labels;
  for (const pb::KeyValue* attribute : sorted) {
    std::string name = LabelName(attribute->key());
    std::string text = ValueText(attribute->value());
    if (name.empty() || text.empty()) continue;
    const auto [at, is_new] = labels.try_emplace(std::move(name), text);
    if (!is_new) at->second += ";" + text;
  }
  return labels;
}

}  // namespace leadline::collector::remote::otlp
