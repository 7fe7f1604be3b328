// Keys of a window's dictionary and index rows. Values: keys.h (entities), series_block.h,
// postings_row.h.
//
// Format: docs/format/window.md. Readers give nothing for what is malformed. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "collector/store/index/candidates.h"
#include "collector/store/index/label_table.h"
#include "collector/store/window/keys.h"
#include "common/id128.h"

namespace leadline::collector::store::window {

// What all keys of the tenant in the table begin with.
std::string TablePrefix(Table table, std::string_view tenant);

std::string EntityIdKey(std::string_view tenant, const Id128& id);

// Postings of a label.
Table LabelTableOf(index::LabelsOf whose);
std::string LabelKey(std::string_view tenant, index::LabelsOf whose, const index::LabelView& label);
// What the keys of a name's labels begin with, of those whose value begins with `value_prefix`.
std::string LabelPrefix(std::string_view tenant, index::LabelsOf whose, std::string_view name,
                        std::string_view value_prefix);
// Where the labels of the next name begin.
std::string AfterName(std::string_view tenant, index::LabelsOf whose, std::string_view name);
struct ParsedLabel {
  std::string name;
  std::string value;
};
std::optional<ParsedLabel> ParseLabelKey(std::string_view key, size_t tenant_bytes);

// The ordinal at the end of a key.
uint32_t KeyOrdinal(std::string_view key);

}  // namespace leadline::collector::store::window
