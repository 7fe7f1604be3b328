#include "collector/store/window/dictionary_rows.h"

namespace leadline::collector::store::window {
namespace {

// A name or a value ends with 00 01, and a zero in it is 00 ff: so keys are in the order of the
// texts, and no text's key begins another's.
constexpr char kEnd = 1;
constexpr char kZero = static_cast<char>(0xff);
constexpr char kAfterEnd = 2;

void AppendEscaped(std::string_view text, std::string& key) {
  for (const char c : text) {
    key.push_back(c);
    if (c == 0) key.push_back(kZero);
  }
}

void AppendEnd(std::string& key) {
  key.push_back(0);
  key.push_back(kEnd);
}

bool TakeText(std::string_view& rest, std::string& text) {
  for (size_t i = 0; i + 1 < rest.size(); ++i) {
    if (rest[i] != 0) {
      text.push_back(rest[i]);
      continue;
    }
    ++i;
    if (rest[i] == kEnd) {
      rest.remove_prefix(i + 1);
      return true;
    }
    if (rest[i] != kZero) return false;
    text.push_back(0);
  }
  return false;
}

}  // namespace

std::string TablePrefix(Table table, std::string_view tenant) {
  std::string key(1, static_cast<char>(table));
  key.push_back(static_cast<char>(tenant.size()));
  key += tenant;
  return key;
}

std::string EntityIdKey(std::string_view tenant, const Id128& id) {
  return TablePrefix(Table::kEntityId, tenant) + id.ToBytes();
}

Table LabelTableOf(index::LabelsOf whose) {
  return whose == index::LabelsOf::kSeries ? Table::kSeriesLabel : Table::kEntityLabel;
}

std::string LabelPrefix(std::string_view tenant, index::LabelsOf whose, std::string_view name,
                        std::string_view value_prefix) {
  std::string key = TablePrefix(LabelTableOf(whose), tenant);
  AppendEscaped(name, key);
  AppendEnd(key);
  AppendEscaped(value_prefix, key);
  return key;
}

std::string LabelKey(std::string_view tenant, index::LabelsOf whose,
                     const index::LabelView& label) {
  std::string key = LabelPrefix(tenant, whose, label.name, label.value);
  AppendEnd(key);
  return key;
}

std::string AfterName(std::string_view tenant, index::LabelsOf whose, std::string_view name) {
  std::string key = LabelPrefix(tenant, whose, name, "");
  key.back() = kAfterEnd;
  return key;
}

std::optional<ParsedLabel> ParseLabelKey(std::string_view key, size_t tenant_bytes) {
  const size_t prefix_bytes = 2 + tenant_bytes;
  if (key.size() < prefix_bytes) return std::nullopt;
  key.remove_prefix(prefix_bytes);
  ParsedLabel label;
  if (!TakeText(key, label.name) || !TakeText(key, label.value) || !key.empty()) {
    return std::nullopt;
  }
  return label;
}

uint32_t KeyOrdinal(std::string_view key) {
  uint32_t ordinal = 0;
  for (const char c : key.substr(key.size() < 4 ? 0 : key.size() - 4)) {
    ordinal = ordinal << 8 | static_cast<uint8_t>(c);
  }
  return ordinal;
}

}  // namespace leadline::collector::store::window
