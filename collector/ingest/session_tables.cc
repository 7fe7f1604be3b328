#include "collector/ingest/session_tables.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include <fmt/format.h>

#include "common/labels.h"
#include "common/utf8.h"

namespace leadline::collector::ingest {
namespace {

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsName(std::string_view name) { return !name.empty() && name.size() <= kMaxNameBytes; }

bool IsLabelName(std::string_view name) {
  return IsName(name) && name != kMetricName && IsIdentifier(name);
}

bool IsMetricName(std::string_view name) {
  return IsName(name) && !IsDigit(name[0]) && std::all_of(name.begin(), name.end(), [](char c) {
           return IsLetter(c) || IsDigit(c) || c == ':';
         });
}

bool IsEntityKind(int kind) { return kind >= v1::ENTITY_KIND_NODE && kind <= v1::EntityKind_MAX; }

// The strings of one message.
class Texts {
 public:
  // Adds the bytes of what is read to `defined_bytes`.
  Texts(const v1::Definitions& message, size_t& defined_bytes)
      : message_(message), defined_bytes_(defined_bytes) {}

  MaybeRefusal Check() const {
    for (int i = 0; i < message_.strings_size(); ++i) {
      const std::string& text = message_.strings(i);
      if (text.size() > kMaxTextBytes) {
        return Invalid(Reason::kText, fmt::format("strings[{}] has {} bytes, at most {} are taken",
                                                  i, text.size(), kMaxTextBytes));
      }
      if (!IsValidUtf8(text)) {
        return Invalid(Reason::kText, fmt::format("strings[{}] is not UTF-8", i));
      }
    }
    return std::nullopt;
  }

  // nullopt when there is no such string.
  std::optional<std::string_view> Get(uint32_t index) const {
    if (index == 0) return std::string_view();
    if (index > static_cast<uint32_t>(message_.strings_size())) return std::nullopt;
    return message_.strings(static_cast<int>(index - 1));
  }

  // `what` begins the text of a refusal.
  template <typename IsName>
  MaybeRefusal ReadLabels(const google::protobuf::RepeatedField<uint32_t>& pairs, IsName is_name,
                          std::string_view what, std::vector<Label>* labels) {
    if (pairs.size() % 2 != 0) {
      return Invalid(Reason::kLabels,
                     fmt::format("{}: {} indices are not pairs", what, pairs.size()));
    }
    if (pairs.size() / 2 > kMaxLabels) {
      return Invalid(Reason::kLabels, fmt::format("{}: {} labels, at most {} are taken", what,
                                                  pairs.size() / 2, kMaxLabels));
    }
    labels->reserve(static_cast<size_t>(pairs.size() / 2));
    for (int i = 0; i < pairs.size(); i += 2) {
      const auto name = Get(pairs[i]);
      const auto value = Get(pairs[i + 1]);
      if (!name || !value) {
        return Invalid(Reason::kText,
                       fmt::format("{}: string {} of {}", what, name ? pairs[i + 1] : pairs[i],
                                   message_.strings_size()));
      }
      if (!is_name(*name)) {
        return Invalid(Reason::kLabels, fmt::format("{}: \"{}\" is no label name", what, *name));
      }
      defined_bytes_ += name->size() + value->size();
      if (defined_bytes_ > kMaxDefinedBytes) {
        return Refusal{Reason::kLimit,
                       absl::ResourceExhaustedError(fmt::format(
                           "{}: over {} bytes of labels before a batch", what, kMaxDefinedBytes))};
      }
      labels->push_back({std::string(*name), std::string(*value)});
    }
    std::sort(labels->begin(), labels->end());
    const auto repeated =
        std::adjacent_find(labels->begin(), labels->end(),
                           [](const Label& a, const Label& b) { return a.name == b.name; });
    if (repeated != labels->end()) {
      return Invalid(Reason::kLabels,
                     fmt::format("{}: \"{}\" is there twice", what, repeated->name));
    }
    return std::nullopt;
  }

 private:
  const v1::Definitions& message_;
  size_t& defined_bytes_;
};

MaybeRefusal ReadEntity(const v1::EntityDefinition& definition, Texts& texts,
                        model::EntityVersion* version) {
  const auto id = Id128::FromBytes(definition.id());
  if (!id) {
    return Invalid(Reason::kEntity, fmt::format("entity {}: id has {} bytes, not 16",
                                                definition.ref(), definition.id().size()));
  }
  if (!IsEntityKind(definition.kind())) {
    return Invalid(Reason::kEntity, fmt::format("entity {}: kind {} is not known", definition.ref(),
                                                static_cast<int>(definition.kind())));
  }
  const bool has_end = definition.end_unix_ms() != 0;
  if (definition.start_unix_ms() < 0 || definition.valid_from_unix_ms() < 0 ||
      (has_end && definition.end_unix_ms() < definition.start_unix_ms())) {
    return Invalid(Reason::kEntity,
                   fmt::format("entity {}: start {}, valid from {}, end {} ms", definition.ref(),
                               definition.start_unix_ms(), definition.valid_from_unix_ms(),
                               definition.end_unix_ms()));
  }
  std::vector<Label> labels;
  std::vector<Label> kubernetes_labels;
  if (auto refusal =
          texts.ReadLabels(definition.labels(), IsLabelName,
                           fmt::format("labels of entity {}", definition.ref()), &labels)) {
    return refusal;
  }
  if (auto refusal = texts.ReadLabels(
          definition.kubernetes_labels(), IsName,
          fmt::format("kubernetes_labels of entity {}", definition.ref()), &kubernetes_labels)) {
    return refusal;
  }
  for (Label& label : kubernetes_labels) label.name = KubernetesLabelName(label.name);
  version->id = *id;
  version->kind = static_cast<model::EntityKind>(definition.kind());
  version->labels = LabelSet(std::move(labels));
  version->kubernetes_labels = LabelSet(std::move(kubernetes_labels));
  version->start_ms = definition.start_unix_ms();
  version->end_ms = has_end ? definition.end_unix_ms() : model::kOpenEnd;
  version->valid_from_ms = definition.valid_from_unix_ms();
  version->revision = definition.revision();
  return std::nullopt;
}

Refusal OverLimit(std::string_view what, uint32_t ref, uint32_t limit) {
  return {Reason::kLimit, absl::ResourceExhaustedError(
                              fmt::format("{} ref {}: a session may have {}", what, ref, limit))};
}

}  // namespace

void SessionTables::Unresolved::Forget(absl::Span<const uint32_t> gone) {
  const absl::flat_hash_set<uint32_t> gone_refs(gone.begin(), gone.end());
  size_t left = 0;
  for (size_t i = 0; i < refs.size(); ++i) {
    if (gone_refs.contains(refs[i])) continue;
    refs[left] = refs[i];
    if (left != i) series[left] = std::move(series[i]);
    ++left;
  }
  refs.resize(left);
  series.resize(left);
}

MaybeRefusal SessionTables::Define(const v1::Definitions& message, Unresolved* unresolved) {
  size_t defined_bytes = defined_bytes_;
  Texts texts(message, defined_bytes);
  if (auto refusal = texts.Check()) return refusal;

  std::vector<model::EntityVersion> versions(static_cast<size_t>(message.entities_size()));
  if (pending_versions_.size() + versions.size() > kMaxPendingVersions) {
    return Refusal{Reason::kLimit,
                   absl::ResourceExhaustedError(fmt::format(
                       "over {} versions of entities before a batch", kMaxPendingVersions))};
  }
  // Refs that this message defines, with their ids; the tables change only at the end.
  std::vector<std::pair<uint32_t, Id128>> defined;
  for (int i = 0; i < message.entities_size(); ++i) {
    const uint32_t ref = message.entities(i).ref();
    if (ref >= limits_.max_entities) return OverLimit("entity", ref, limits_.max_entities);
    if (auto refusal = ReadEntity(message.entities(i), texts, &versions[static_cast<size_t>(i)])) {
      return refusal;
    }
    defined.emplace_back(ref, versions[static_cast<size_t>(i)].id);
  }
  std::stable_sort(defined.begin(), defined.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  const auto find_entity = [&](uint32_t ref) -> std::optional<Id128> {
    auto it =
        std::upper_bound(defined.begin(), defined.end(), ref,
                         [](uint32_t wanted, const auto& entry) { return wanted < entry.first; });
    if (it != defined.begin() && std::prev(it)->first == ref) return std::prev(it)->second;
    if (ref < entities_.size() && entities_[ref].defined) return entities_[ref].id;
    return std::nullopt;
  };

  unresolved->refs.clear();
  unresolved->series.clear();
  for (const v1::SeriesDefinition& definition : message.series()) {
    const uint32_t ref = definition.ref();
    if (ref >= limits_.max_series) return OverLimit("series", ref, limits_.max_series);
    const auto metric = texts.Get(definition.metric());
    if (!metric || !IsMetricName(*metric)) {
      return Invalid(Reason::kText, fmt::format("series {}: string {}, \"{}\", is no metric name",
                                                ref, definition.metric(), metric.value_or("")));
    }
    const auto entity = find_entity(definition.entity());
    if (!entity) {
      return Invalid(Reason::kUnknownRef,
                     fmt::format("series {}: entity {} is not defined", ref, definition.entity()));
    }
    std::vector<Label> residual;
    if (auto refusal = texts.ReadLabels(definition.labels(), IsLabelName,
                                        fmt::format("labels of series {}", ref), &residual)) {
      return refusal;
    }
    unresolved->refs.push_back(ref);
    unresolved->series.push_back({std::string(*metric), *entity, LabelSet(std::move(residual))});
  }

  for (const auto& [ref, id] : defined) {
    if (ref >= entities_.size()) entities_.resize(ref + 1);
    entities_[ref] = {id, true};
  }
  std::move(versions.begin(), versions.end(), std::back_inserter(pending_versions_));
  defined_bytes_ = defined_bytes;
  return std::nullopt;
}

void SessionTables::SetHandles(absl::Span<const uint32_t> refs,
                               absl::Span<const store::SeriesHandle> handles) {
  if (refs.empty()) return;
  const size_t end = size_t{*std::max_element(refs.begin(), refs.end())} + 1;
  if (end > handles_.size()) {
    handles_.resize(end);
    is_defined_.resize(end);
  }
  for (size_t i = 0; i < refs.size(); ++i) {
    handles_[refs[i]] = handles[i];
    is_defined_[refs[i]] = true;
  }
}

std::vector<model::EntityVersion> SessionTables::TakeVersions() {
  defined_bytes_ = 0;
  return std::exchange(pending_versions_, {});
}

}  // namespace leadline::collector::ingest
