// Reads the samples of one tenant from the log's segments, in the order in which they were written,
// as series of a write request.
//
// Series of an entity have the labels that the entity had when they were read: those of the log, or
// where the entity is not in what was read, those that the store knows. Samples of an entity that
// nobody knows are counted and left out, as are native histograms where they are not wanted.
//
// Errors: those of the segments' files; damage in a segment is logged, counted and passed over. Not
// synchronized.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "collector/model/entity.h"
#include "collector/model/series.h"
#include "collector/remote/send/kept_segments.h"
#include "collector/remote/send/message.h"
#include "collector/store/log/record.h"
#include "collector/store/log/segment.h"
#include "collector/store/store.h"

namespace leadline::collector::remote::send {

// Where the reading goes on: behind a whole frame. What is read from there on may be of series that
// are defined before it, in the segments from `base` on.
struct Position {
  uint64_t base = 0;
  uint64_t segment = 0;
  uint64_t offset = 0;
  bool operator==(const Position&) const = default;
};

struct Outgoing {
  std::vector<Message> messages;
  Position end;  // once these are sent
};

inline constexpr size_t kMaxSamplesPerMessage = 5000;

struct ReadCounts {
  uint64_t unknown_entity = 0;
  uint64_t histograms_off = 0;
  uint64_t undefined_series = 0;  // behind damage
  uint64_t damage = 0;            // places in segments
  uint64_t missing_segments = 0;
};

class LogReader {
 public:
  // The queryable may be null: then entities are those of the log alone.
  LogReader(const KeptSegments& segments, const store::Queryable* queryable, std::string tenant,
            bool histograms, Position from)
      : segments_(segments),
        queryable_(queryable),
        tenant_(std::move(tenant)),
        histograms_(histograms),
        position_(from) {}

  // What there is next: some frames' samples, at least one frame where there is a whole one.
  // Nothing where all is read; `end` is then where it stands.
  absl::StatusOr<Outgoing> Next();

  const Position& position() const { return position_; }
  // Since the last call.
  ReadCounts TakeCounts() { return std::exchange(counts_, {}); }

 private:
  struct Series {
    model::SeriesDefinition definition;
    std::string labels;       // encoded; "" while not known
    uint64_t generation = 0;  // of the entity, when they were
  };
  struct Entity {
    LabelSet labels;
    uint64_t generation = 0;
  };

  // Stands in a segment that is there; false where there is none.
  absl::StatusOr<bool> EnterSegment();
  // Reads the definitions before the position, once.
  absl::Status CatchUp(const std::vector<uint64_t>& numbers);
  absl::StatusOr<uint64_t> ReadFrames(uint64_t segment, uint64_t offset, uint64_t until,
                                      Outgoing* out);
  absl::Status Apply(const store::log::Frame& frame, Outgoing* out);
  void AddBatch(const store::log::BatchRecord& record, Outgoing& out);
  void AddEntities(const std::vector<model::EntityVersion>& versions);
  // The encoded labels; nullptr where the entity is not known.
  const std::string* LabelsOf(Series& series, int64_t ts_ms);
  const Entity* FindEntity(const Id128& id, int64_t ts_ms);

  const KeptSegments& segments_;
  const store::Queryable* const queryable_;
  const std::string tenant_;
  const bool histograms_;
  Position position_;
  bool entered_ = false;    // the segment is there
  bool caught_up_ = false;  // the definitions before the position are known
  uint32_t run_ = 0;        // of the program that wrote the log: handles are a run's
  absl::flat_hash_map<store::SeriesHandle, Series> series_;
  absl::flat_hash_map<Id128, Entity> entities_;
  absl::flat_hash_set<Id128> unknown_;  // entities that the store was asked for in this segment
  uint64_t generation_ = 0;             // the last one given
  ReadCounts counts_;
};

}  // namespace leadline::collector::remote::send
