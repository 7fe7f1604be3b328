#include "collector/store/window/blocks.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <utility>

#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/write_batch.h>

#include "collector/store/window/group_writer.h"
#include "collector/store/window/rocks.h"
#include "common/bytes.h"
#include "common/status_macros.h"

namespace leadline::collector::store::window {
namespace {

constexpr size_t kBlocksBatchBytes = 4 << 20;
constexpr size_t kPartBytes = 1;  // of a key, behind the prefix of the tenant

// The first key of all writes of the group.
std::string GroupKey(std::string_view tenant, uint8_t part, const SeriesRef& ref) {
  return BlockKey(tenant,
                  {part, ref.metric, static_cast<uint32_t>(ref.rank / codec::kBlockPlaces), 0});
}
std::string_view WithoutWrite(std::string_view key) { return key.substr(0, key.size() - 4); }

bool SameGroup(const SeriesRef& a, const SeriesRef& b) {
  return a.metric == b.metric && a.rank / codec::kBlockPlaces == b.rank / codec::kBlockPlaces;
}

// Numbers of the series in the order of their keys.
std::vector<size_t> OrderOf(absl::Span<const SeriesRef> refs) {
  std::vector<size_t> order(refs.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const auto before = [&](size_t a, size_t b) {
    return std::pair(refs[a].metric, refs[a].rank) < std::pair(refs[b].metric, refs[b].rank);
  };
  if (!std::is_sorted(order.begin(), order.end(), before)) {
    std::sort(order.begin(), order.end(), before);
  }
  return order;
}

}  // namespace

void GroupRuns::Add(std::shared_ptr<chunk::Block> block) {
  const codec::BlockReader& reader = *block->reader;
  if (reader.last_ms() < start_ms_ || reader.first_ms() > end_ms_) return;
  blocks_.push_back(std::move(block));
}

void GroupRuns::Find(size_t place, std::vector<chunk::Piece>& pieces) const {
  pieces.clear();
  for (const std::shared_ptr<chunk::Block>& block : blocks_) {
    const std::vector<codec::BlockRun>& runs = block->reader->runs();
    const auto is_before = [place](const codec::BlockRun& run) { return run.place < place; };
    auto run = std::partition_point(runs.begin(), runs.end(), is_before);
    for (; run != runs.end() && run->place == place; ++run) {
      if (run->last_ms < start_ms_ || run->first_ms > end_ms_) continue;
      pieces.push_back({.block = block, .run = static_cast<uint32_t>(run - runs.begin())});
    }
  }
}

absl::Status Blocks::Damage(std::string_view what) const {
  return DamagedWindow(path_, fmt::format("window {}: {}", path_, what));
}

absl::Status Blocks::Load() {
  std::string row;
  const rocksdb::Status read = db_.Get(Reading(), WritesKey(), &row);
  if (read.IsNotFound()) return absl::OkStatus();
  LL_RETURN_IF_ERROR(FromRocks(read, path_, "read"));
  ByteReader reader(row);
  writes_ = reader.Fixed32();
  return reader.ok() && reader.AtEnd() ? absl::OkStatus() : Damage("malformed number of writes");
}

absl::StatusOr<std::shared_ptr<chunk::Block>> Blocks::Opened(
    std::shared_ptr<chunk::Block> block) const {
  if (absl::Status opened = block->Open(); !opened.ok()) {
    return Damage(std::string(opened.message()));
  }
  return block;
}

// --- Writing ---

absl::Status Blocks::Write(std::string_view tenant, absl::Span<const SeriesChunks> series,
                           absl::Span<const SeriesRef> refs, RolledUp& rolled_up) {
  const std::vector<size_t> order = OrderOf(refs);
  rocksdb::WriteBatch batch;
  std::string number;
  AppendFixed32(++writes_, number);
  batch.Put(WritesKey(), number);
  bool pending[kParts] = {};
  PartBits written = 0;
  GroupWriter group(start_ms_, part_ms_);
  chunk::ReadBudget unlimited = chunk::ReadBudget::Unlimited();
  for (size_t i = 0; i < order.size(); ++i) {
    const SeriesRef& ref = refs[order[i]];
    LL_ASSIGN_OR_RETURN(
        const chunk::MergedSamples samples,
        chunk::MergePieces(series[order[i]].pieces, {start_ms_, last_ms()}, unlimited));
    const PartBits parts = PartsOf(samples, start_ms_, part_ms_);
    if ((parts & ~written) != 0) {
      rolled_up.Forget(tenant, parts & static_cast<PartBits>(~written), batch);
      written |= parts;
    }
    group.Add(GroupRuns::PlaceOf(ref.rank), samples);
    if (i + 1 < order.size() && SameGroup(ref, refs[order[i + 1]])) continue;
    group.Finish([&](uint8_t part, const std::string& block) {
      if (!pending[part]) batch.Put(PendingKey(tenant, part), rocksdb::Slice());
      pending[part] = true;
      batch.Put(BlockKey(tenant, {part, ref.metric,
                                  static_cast<uint32_t>(ref.rank / codec::kBlockPlaces), writes_}),
                block);
    });
    if (batch.GetDataSize() < kBlocksBatchBytes && i + 1 < order.size()) continue;
    LL_RETURN_IF_ERROR(FromRocks(db_.Write(WithoutLog(), &batch), path_, "write"));
    batch.Clear();
  }
  return absl::OkStatus();
}

// --- Settling ---

absl::Status Blocks::Settle(int64_t before_ms) {
  std::vector<Pending> due;
  {
    const std::unique_ptr<rocksdb::Iterator> rows(db_.NewIterator(Reading()));
    const std::string first(1, static_cast<char>(Table::kPending));
    for (rows->Seek(first); rows->Valid() && rows->key().starts_with(first); rows->Next()) {
      auto pending = ParsePendingKey(AsView(rows->key()));
      if (!pending) return Damage("malformed key of a part to settle");
      if (PartStart(pending->part) + part_ms_ <= before_ms) due.push_back(*std::move(pending));
    }
    LL_RETURN_IF_ERROR(FromRocks(rows->status(), path_, "read"));
  }
  for (const Pending& pending : due) {
    LL_RETURN_IF_ERROR(SettlePart(pending.tenant, pending.part));
  }
  return absl::OkStatus();
}

absl::Status Blocks::Merge(absl::Span<const std::shared_ptr<chunk::Block>> blocks, uint8_t part,
                           GroupWriter& writer) const {
  const int64_t first_ms = PartStart(part);
  const int64_t last_ms = first_ms + part_ms_ - 1;
  chunk::ReadBudget unlimited = chunk::ReadBudget::Unlimited();
  std::vector<size_t> next(blocks.size());  // of each block, its first run not yet merged
  std::vector<chunk::Piece> pieces;
  for (size_t place = 0; place < codec::kBlockPlaces; ++place) {
    pieces.clear();
    for (size_t i = 0; i < blocks.size(); ++i) {
      const std::vector<codec::BlockRun>& runs = blocks[i]->reader->runs();
      for (; next[i] < runs.size() && runs[next[i]].place == place; ++next[i]) {
        pieces.push_back({.block = blocks[i], .run = static_cast<uint32_t>(next[i])});
      }
    }
    if (pieces.empty()) continue;
    codec::BlockReader& reader = *pieces.front().block->reader;
    const codec::BlockRun& run = reader.runs()[pieces.front().run];
    if (pieces.size() == 1 && !run.follows && run.first_ms >= first_ms && run.last_ms <= last_ms) {
      LL_RETURN_IF_ERROR(writer.AddAsItIs(reader, run));
      continue;
    }
    LL_ASSIGN_OR_RETURN(const chunk::MergedSamples samples,
                        chunk::MergePieces(pieces, {first_ms, last_ms}, unlimited));
    writer.Add(place, samples);
  }
  return absl::OkStatus();
}

absl::Status Blocks::SettlePart(const std::string& tenant, uint8_t part) {
  const std::string prefix = BlockPrefix(tenant, part);
  const std::unique_ptr<rocksdb::Iterator> stored(db_.NewIterator(ReadingOnce()));
  rocksdb::WriteBatch batch;
  GroupWriter writer(start_ms_, part_ms_);
  stored->Seek(prefix);
  while (stored->Valid() && stored->key().starts_with(prefix)) {
    const std::string first_key = stored->key().ToString();
    const auto place = ParseBlockKey(first_key, prefix.size() - kPartBytes);
    if (!place) return Damage("malformed key of a block");
    const std::string_view group = WithoutWrite(first_key);
    std::vector<std::shared_ptr<chunk::Block>> blocks;
    for (; stored->Valid() && stored->key().starts_with(AsSlice(group)); stored->Next()) {
      LL_ASSIGN_OR_RETURN(blocks.emplace_back(),
                          Opened(std::make_shared<chunk::Block>(stored->value().ToString())));
      batch.Delete(stored->key());
    }
    if (blocks.size() == 1 && place->write == 0) {
      batch.Clear();  // it is settled
      continue;
    }
    if (blocks.size() == 1) {
      batch.Put(BlockKey(tenant, {part, place->metric, place->group, 0}),
                AsSlice(blocks[0]->bytes));
    } else {
      LL_RETURN_IF_ERROR(Merge(blocks, part, writer));
    }
    writer.Finish([&](uint8_t, const std::string& block) {
      batch.Put(BlockKey(tenant, {part, place->metric, place->group, 0}), block);
    });
    LL_RETURN_IF_ERROR(FromRocks(db_.Write(WithoutLog(), &batch), path_, "write"));
    batch.Clear();
  }
  LL_RETURN_IF_ERROR(FromRocks(stored->status(), path_, "read"));
  batch.Delete(PendingKey(tenant, part));
  return FromRocks(db_.Write(WithoutLog(), &batch), path_, "write");
}

// --- Reading ---

absl::Status Blocks::Read(std::string_view tenant, absl::Span<const SeriesRef> series,
                          int64_t start_ms, int64_t end_ms, const TakePiece& take) const {
  std::vector<chunk::Piece> pieces;
  const auto take_group = [&](absl::Span<const size_t> numbers, const GroupRuns& runs) {
    for (const size_t number : numbers) {
      runs.Find(GroupRuns::PlaceOf(series[number].rank), pieces);
      for (chunk::Piece& piece : pieces) LL_RETURN_IF_ERROR(take(number, std::move(piece)));
    }
    return absl::OkStatus();
  };
  return ReadGroups(tenant, series, start_ms, end_ms, take_group);
}

absl::Status Blocks::ReadGroups(std::string_view tenant, absl::Span<const SeriesRef> series,
                                int64_t start_ms, int64_t end_ms, TakeGroup take) const {
  start_ms = std::max(start_ms, start_ms_);
  end_ms = std::min(end_ms, last_ms());
  if (series.empty() || start_ms > end_ms) return absl::OkStatus();
  const std::vector<size_t> order = OrderOf(series);
  const std::shared_ptr<rocksdb::Iterator> stored(db_.NewIterator(ReadingInPlace()));
  const auto first = static_cast<uint8_t>((start_ms - start_ms_) / part_ms_);
  const auto last = static_cast<uint8_t>((end_ms - start_ms_) / part_ms_);
  GroupRuns runs(start_ms, end_ms);
  for (uint8_t part = first; part <= last; ++part) {
    LL_RETURN_IF_ERROR(ReadPart(tenant, part, series, order, runs, stored, take));
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> Blocks::Has(std::string_view tenant, uint8_t part) const {
  const std::string prefix = BlockPrefix(tenant, part);
  const std::unique_ptr<rocksdb::Iterator> stored(db_.NewIterator(Reading()));
  stored->Seek(prefix);
  if (stored->Valid()) return stored->key().starts_with(prefix);
  LL_RETURN_IF_ERROR(FromRocks(stored->status(), path_, "read"));
  return false;
}

absl::Status Blocks::WarmUp(std::string_view tenant, MayReadOn has_room, MayReadOn go_on) const {
  if (!go_on()) return absl::OkStatus();
  const std::string all = BlockPrefix(tenant);
  std::unique_ptr<rocksdb::Iterator> stored(db_.NewIterator(ReadMany(/*fill_cache=*/true)));
  stored->SeekForPrev(BlockKey(tenant, {UINT8_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX}));
  if (!stored->Valid() || !stored->key().starts_with(all)) {
    return FromRocks(stored->status(), path_, "read");
  }
  const std::string newest = stored->key().ToString().substr(0, all.size() + kPartBytes);
  bool fills_cache = true;
  for (stored->Seek(newest); stored->Valid() && stored->key().starts_with(newest) && go_on();
       stored->Next()) {
    if (!fills_cache || has_room()) continue;
    fills_cache = false;
    const std::string next = stored->key().ToString();
    stored.reset(db_.NewIterator(ReadMany(/*fill_cache=*/false)));
    stored->Seek(next);
    if (!stored->Valid()) break;
  }
  return FromRocks(stored->status(), path_, "read");
}

absl::Status Blocks::ReadPart(std::string_view tenant, uint8_t part,
                              absl::Span<const SeriesRef> series, absl::Span<const size_t> order,
                              GroupRuns& runs, const std::shared_ptr<rocksdb::Iterator>& stored,
                              TakeGroup take) const {
  bool is_placed = false;
  for (size_t i = 0; i < order.size();) {
    size_t end = i + 1;
    while (end < order.size() && SameGroup(series[order[i]], series[order[end]])) ++end;
    const std::string key = GroupKey(tenant, part, series[order[i]]);
    const std::string_view group = WithoutWrite(key);
    if (!is_placed || (stored->Valid() && AsView(stored->key()) < key)) stored->Seek(key);
    is_placed = true;
    runs.Clear();
    for (; stored->Valid() && stored->key().starts_with(AsSlice(group)); stored->Next()) {
      LL_ASSIGN_OR_RETURN(std::shared_ptr<chunk::Block> block,
                          Opened(std::make_shared<chunk::Block>(AsView(stored->value()), stored)));
      runs.Add(std::move(block));
    }
    LL_RETURN_IF_ERROR(FromRocks(stored->status(), path_, "read"));
    if (!runs.empty()) LL_RETURN_IF_ERROR(take(order.subspan(i, end - i), runs));
    i = end;
  }
  return absl::OkStatus();
}

}  // namespace leadline::collector::store::window
