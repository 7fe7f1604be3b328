// Definitions of series, each once in the process: equal ones are one object, wherever they come
// from (a shard of the head, any window), so they are compared and hashed by address.
//
// A definition is the ids of its entity and of its labels; 16 bytes and 4 a label, in slabs.
// Handles (DefinitionPtr) keep it and its labels' text; what a view or a reference into one gives
// is valid as long as a handle is kept. Threading: any thread; handles are counted with atomics,
// and what is no longer referred to is freed at once. Source: ADR 130.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"

#include "collector/model/series.h"
#include "collector/store/index/label_table.h"
#include "common/id128.h"

namespace leadline::collector::store::index {

// What a definition says, as views, to look it up by. Holds no copy of the text.
class DefinitionKey {
 public:
  explicit DefinitionKey(const model::SeriesDefinition& series);
  // REQUIRES: `residual` ascends by name, each once, and has no empty value.
  DefinitionKey(std::string_view metric, const Id128& entity, absl::Span<const LabelView> residual);

  const Id128& entity() const { return entity_; }
  uint32_t hash() const { return static_cast<uint32_t>(hash_); }
  struct Hashed {
    LabelView label;
    uint64_t hash = 0;
  };
  absl::Span<const Hashed> labels() const { return labels_; }  // the metric's name first

 private:
  void Add(const LabelView& label);

  Id128 entity_;
  uint64_t hash_ = 0;
  absl::InlinedVector<Hashed, 20> labels_;
};

class DefinitionPtr;

class Definition {
 public:
  Definition(const Definition&) = delete;
  Definition& operator=(const Definition&) = delete;

  Id128 entity() const {
    Id128 id;
    if (entity_ == kNoEntity) return id;
    std::memcpy(&id, LabelTable::Get().View(entity_).value.data(), sizeof id);
    return id;
  }
  std::string_view metric() const { return LabelTable::Get().View(metric_id()).value; }
  LabelId metric_id() const { return labels().front(); }
  // The labels that are neither the metric's name nor the entity's, ascending by name.
  absl::Span<const LabelId> residual() const { return labels().subspan(1); }
  // The metric's name as label __name__, then the residual ones.
  absl::Span<const LabelId> labels() const { return {Ids(), label_count_}; }
  // The value of a residual label; "" when there is none.
  std::string_view Get(std::string_view name) const;
  model::SeriesDefinition ToModel() const;

  uint32_t hash() const { return hash_; }
  bool Is(const DefinitionKey& key) const;

 private:
  friend class DefinitionTable;
  friend class DefinitionPtr;

  // In place of the id of (0, 0).
  static constexpr LabelId kNoEntity{UINT32_MAX};

  Definition(LabelId entity, uint32_t hash, size_t label_count)
      : hash_(hash), entity_(entity), label_count_(static_cast<uint32_t>(label_count)) {}
  ~Definition() = default;

  // They follow the object.
  const LabelId* Ids() const { return reinterpret_cast<const LabelId*>(this + 1); }
  LabelId* Ids() { return reinterpret_cast<LabelId*>(this + 1); }

  mutable std::atomic<uint32_t> references_{1};
  const uint32_t hash_;
  const LabelId entity_;  // a label without a name, whose value is the id's bytes
  const uint32_t label_count_;
};

// A counted handle; null by default.
class DefinitionPtr {
 public:
  DefinitionPtr() = default;
  DefinitionPtr(std::nullptr_t) {}  // NOLINT(google-explicit-constructor): as a pointer
  DefinitionPtr(const DefinitionPtr& other) : definition_(other.definition_) {
    if (definition_ != nullptr) {
      definition_->references_.fetch_add(1, std::memory_order_relaxed);
    }
  }
  DefinitionPtr(DefinitionPtr&& other) noexcept
      : definition_(std::exchange(other.definition_, nullptr)) {}
  DefinitionPtr& operator=(DefinitionPtr other) noexcept {
    std::swap(definition_, other.definition_);
    return *this;
  }
  ~DefinitionPtr() {
    if (definition_ != nullptr) Release();
  }

  const Definition& operator*() const { return *definition_; }
  const Definition* operator->() const { return definition_; }
  const Definition* get() const { return definition_; }
  explicit operator bool() const { return definition_ != nullptr; }
  bool operator==(const DefinitionPtr&) const = default;

 private:
  friend class DefinitionTable;
  // Takes a reference over.
  explicit DefinitionPtr(const Definition* definition) : definition_(definition) {}
  void Release();

  const Definition* definition_ = nullptr;
};

// The definition, new or known.
DefinitionPtr Intern(const DefinitionKey& key);
inline DefinitionPtr Intern(const model::SeriesDefinition& series) {
  return Intern(DefinitionKey(series));
}
// As read from where labels have numbers. REQUIRES: `labels` are referred to during the call, the
// metric's name first, the others ascending by name, each name once, and no value empty.
DefinitionPtr Intern(const Id128& entity, absl::Span<const LabelId> labels);

// Definitions that are referred to.
size_t DefinitionCount();

// By address. The keys are kept by someone else.
template <typename Value>
using DefinitionMap = absl::flat_hash_map<const Definition*, Value>;

}  // namespace leadline::collector::store::index
