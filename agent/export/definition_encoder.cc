#include "agent/export/definition_encoder.h"

#include <algorithm>

#include "common/utf8.h"

namespace leadline::agent {
namespace {

constexpr size_t kEntityBytes = 96;  // all but labels
constexpr size_t kSeriesBytes = 32;
constexpr size_t kLabelBytes = 10;
constexpr size_t kTextOverheadBytes = 6;

bool IsName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxNameBytes && IsValidUtf8(name);
}

// At most `limit` bytes of `text`, which is valid UTF-8, without a part of a character at the end.
std::string_view CutUtf8(std::string_view text, size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<uint8_t>(text[limit]) & 0xc0) == 0x80) --limit;
  return text.substr(0, limit);
}

}  // namespace

void DefinitionEncoder::Begin(v1::Definitions* message) {
  message_ = message;
  bytes_ = 0;
  indices_.clear();
}

void DefinitionEncoder::Add(const EntityDefinition& definition) {
  const Entity& entity = *definition.entity;
  v1::EntityDefinition& out = *message_->add_entities();
  out.set_ref(static_cast<uint32_t>(definition.ref));
  out.set_id(entity.id.ToBytes());
  out.set_kind(static_cast<v1::EntityKind>(entity.kind));
  AddLabels(entity.labels, *out.mutable_labels());
  AddLabels(entity.kubernetes_labels, *out.mutable_kubernetes_labels());
  out.set_start_unix_ms(entity.start_ms);
  out.set_valid_from_unix_ms(entity.valid_from_ms);
  out.set_revision(entity.revision);
  // The clock may have stepped back in the entity's life.
  if (entity.end_ms != 0) out.set_end_unix_ms(std::max(entity.end_ms, entity.start_ms));
  bytes_ += kEntityBytes;
}

void DefinitionEncoder::Add(const SeriesDefinition& definition) {
  v1::SeriesDefinition& out = *message_->add_series();
  out.set_ref(static_cast<uint32_t>(definition.ref));
  out.set_metric(Text(catalogue::Info(definition.key->metric).name));
  out.set_entity(static_cast<uint32_t>(definition.key->entity));
  AddLabels(definition.key->residual, *out.mutable_labels());
  bytes_ += kSeriesBytes;
}

template <typename Labels>
void DefinitionEncoder::AddLabels(const Labels& labels,
                                  google::protobuf::RepeatedField<uint32_t>& pairs) {
  size_t left = kMaxLabels;
  for (const Label& label : labels) {
    if (left == 0 || !IsName(label.name)) {
      ++left_out_labels_;
      continue;
    }
    --left;
    pairs.Add(Text(label.name));
    pairs.Add(Text(label.value));
    bytes_ += kLabelBytes;
  }
}

uint32_t DefinitionEncoder::Text(std::string_view text) {
  if (text.empty()) return 0;
  auto known = indices_.find(text);
  if (known != indices_.end()) return known->second;
  if (IsValidUtf8(text) && text.size() <= kMaxTextBytes) {
    message_->add_strings(text.data(), text.size());
  } else {
    const std::string valid = ToValidUtf8(text);
    const std::string_view cut = CutUtf8(valid, kMaxTextBytes);
    message_->add_strings(cut.data(), cut.size());
    ++repaired_texts_;
  }
  bytes_ += message_->strings(message_->strings_size() - 1).size() + kTextOverheadBytes;
  const auto index = static_cast<uint32_t>(message_->strings_size());
  indices_.emplace(std::string(text), index);
  return index;
}

}  // namespace leadline::agent
