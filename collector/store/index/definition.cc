#include "collector/store/index/definition.h"

#include <algorithm>
#include <array>
#include <new>

#include "absl/container/flat_hash_set.h"

#include "collector/store/index/slab.h"
#include "common/labels.h"
#include "common/mutex.h"

namespace leadline::collector::store::index {
namespace {

uint64_t StartHash(const Id128& entity) { return absl::HashOf(entity); }

uint64_t MixHash(uint64_t hash, uint64_t label) {
  constexpr uint64_t kOdd = 0x9e3779b97f4a7c15;
  const uint64_t mixed = (hash ^ label) * kOdd;
  return mixed ^ (mixed >> 32);
}

// What Intern of ids looks for.
struct IdKey {
  const Id128& entity;
  absl::Span<const LabelId> labels;
  uint32_t hash;
};

const Definition* DefinitionAt(const Slab& slab, Slab::Ref ref) {
  return static_cast<const Definition*>(slab.At(ref));
}

struct HashOfDefinition {
  using is_transparent = void;
  const Slab* slab;
  size_t operator()(Slab::Ref ref) const { return DefinitionAt(*slab, ref)->hash(); }
  size_t operator()(const Definition* definition) const { return definition->hash(); }
  size_t operator()(const DefinitionKey& key) const { return key.hash(); }
  size_t operator()(const IdKey& key) const { return key.hash; }
};
struct EqualDefinition {
  using is_transparent = void;
  const Slab* slab;
  bool operator()(Slab::Ref a, Slab::Ref b) const { return a == b; }
  bool operator()(Slab::Ref ref, const Definition* definition) const {
    return DefinitionAt(*slab, ref) == definition;
  }
  bool operator()(Slab::Ref ref, const DefinitionKey& key) const {
    return DefinitionAt(*slab, ref)->Is(key);
  }
  bool operator()(Slab::Ref ref, const IdKey& key) const {
    const Definition& definition = *DefinitionAt(*slab, ref);
    return definition.hash() == key.hash && definition.labels() == key.labels &&
           definition.entity() == key.entity;
  }
};

size_t BytesOf(size_t label_count) { return sizeof(Definition) + label_count * sizeof(LabelId); }

}  // namespace

// Sharded, so that threads rarely meet.
class DefinitionTable {
 public:
  static DefinitionTable& Get() {
    static DefinitionTable* const table = new DefinitionTable;
    return *table;
  }

  // `id_of` gives a reference to the label of that number.
  template <typename Key, typename IdOf>
  DefinitionPtr Intern(const Key& key, uint32_t hash, const Id128& entity, size_t label_count,
                       IdOf id_of) {
    Shard& shard = ShardOf(hash);
    MutexLock lock(shard.mutex);
    bool is_new = false;
    const auto it = shard.definitions.lazy_emplace(key, [&](const auto& make) {
      shard.mutex.AssertHeld();
      const Slab::Ref ref = shard.slab.Allocate(BytesOf(label_count));
      auto* const definition =
          new (shard.slab.At(ref)) Definition(AcquireEntity(entity), hash, label_count);
      for (size_t i = 0; i < label_count; ++i) new (definition->Ids() + i) LabelId(id_of(i));
      make(ref);
      is_new = true;
    });
    const Definition* const definition = DefinitionAt(shard.slab, *it);
    if (!is_new) definition->references_.fetch_add(1, std::memory_order_relaxed);
    return DefinitionPtr(definition);
  }

  void Release(const Definition* definition) {
    // The last reference goes under the mutex, so that Intern never finds what is being freed.
    uint32_t references = definition->references_.load(std::memory_order_relaxed);
    while (references > 1) {
      if (definition->references_.compare_exchange_weak(references, references - 1,
                                                        std::memory_order_acq_rel)) {
        return;
      }
    }
    Shard& shard = ShardOf(definition->hash());
    MutexLock lock(shard.mutex);
    if (definition->references_.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
    const auto it = shard.definitions.find(definition);
    const Slab::Ref ref = *it;
    shard.definitions.erase(it);
    LabelTable& table = LabelTable::Get();
    for (const LabelId id : definition->labels()) table.Release(id);
    if (definition->entity_ != Definition::kNoEntity) table.Release(definition->entity_);
    const size_t bytes = BytesOf(definition->label_count_);
    definition->~Definition();
    shard.slab.Deallocate(ref, bytes);
  }

  size_t size() const {
    size_t size = 0;
    for (const Shard& shard : shards_) {
      MutexLock lock(shard.mutex);
      size += shard.definitions.size();
    }
    return size;
  }

 private:
  static constexpr int kShardBits = 3;

  struct Shard {
    mutable Mutex mutex;
    Slab slab ABSL_GUARDED_BY(mutex);
    absl::flat_hash_set<Slab::Ref, HashOfDefinition, EqualDefinition> definitions
        ABSL_GUARDED_BY(mutex){0, HashOfDefinition{&slab}, EqualDefinition{&slab}};
  };

  static LabelId AcquireEntity(const Id128& id) {
    if (id == Id128()) return Definition::kNoEntity;
    return LabelTable::Get().Acquire({"", {reinterpret_cast<const char*>(&id), sizeof id}});
  }

  // The set of a shard uses the hash's other bits.
  Shard& ShardOf(uint32_t hash) { return shards_[hash >> (32 - kShardBits)]; }

  std::array<Shard, 1 << kShardBits> shards_;
};

DefinitionKey::DefinitionKey(const model::SeriesDefinition& series)
    : entity_(series.entity), hash_(StartHash(series.entity)) {
  Add({kMetricName, series.metric});
  for (const Label& label : series.residual) Add({label.name, label.value});
}

DefinitionKey::DefinitionKey(std::string_view metric, const Id128& entity,
                             absl::Span<const LabelView> residual)
    : entity_(entity), hash_(StartHash(entity)) {
  Add({kMetricName, metric});
  for (const LabelView& label : residual) Add(label);
}

void DefinitionKey::Add(const LabelView& label) {
  labels_.push_back({label, HashLabel(label)});
  hash_ = MixHash(hash_, labels_.back().hash);
}

std::string_view Definition::Get(std::string_view name) const {
  const LabelTable& table = LabelTable::Get();
  for (const LabelId id : residual()) {
    const LabelView label = table.View(id);
    if (label.name == name) return label.value;
  }
  return "";
}

model::SeriesDefinition Definition::ToModel() const {
  std::vector<Label> labels;
  labels.reserve(residual().size());
  for (const LabelId id : residual()) {
    const LabelView label = LabelTable::Get().View(id);
    labels.push_back({std::string(label.name), std::string(label.value)});
  }
  return {std::string(metric()), entity(), LabelSet(std::move(labels))};
}

bool Definition::Is(const DefinitionKey& key) const {
  if (hash_ != key.hash() || label_count_ != key.labels().size() || entity() != key.entity()) {
    return false;
  }
  const LabelTable& table = LabelTable::Get();
  return std::equal(labels().begin(), labels().end(), key.labels().begin(),
                    [&](LabelId id, const DefinitionKey::Hashed& wanted) {
                      return table.Hash(id) == wanted.hash && table.View(id) == wanted.label;
                    });
}

void DefinitionPtr::Release() { DefinitionTable::Get().Release(definition_); }

DefinitionPtr Intern(const DefinitionKey& key) {
  return DefinitionTable::Get().Intern(
      key, key.hash(), key.entity(), key.labels().size(), [&](size_t i) {
        return LabelTable::Get().Acquire(key.labels()[i].label, key.labels()[i].hash);
      });
}

DefinitionPtr Intern(const Id128& entity, absl::Span<const LabelId> labels) {
  LabelTable& table = LabelTable::Get();
  uint64_t mixed = StartHash(entity);
  for (const LabelId id : labels) mixed = MixHash(mixed, table.Hash(id));
  const auto hash = static_cast<uint32_t>(mixed);
  return DefinitionTable::Get().Intern(IdKey{entity, labels, hash}, hash, entity, labels.size(),
                                       [&](size_t i) {
                                         table.Retain(labels[i]);
                                         return labels[i];
                                       });
}

size_t DefinitionCount() { return DefinitionTable::Get().size(); }

}  // namespace leadline::collector::store::index
