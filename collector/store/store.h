// The store's interface: Appendable is what ingest writes to, Queryable what the query engine reads
// from, Store both with its upkeep.
//
// A series is (tenant, metric, entity, residual labels); see collector/model. Times are
// milliseconds since the Unix epoch; ranges include both ends. Everything is kept by tenant: no
// call sees another tenant's data.
//
// Errors: INVALID_ARGUMENT for what the caller got wrong (the text names it), RESOURCE_EXHAUSTED
// for a limit or a full disk, DEADLINE_EXCEEDED and CANCELLED for queries, DATA_LOSS for damage on
// disk, with the file. Threading: every method may be called from any thread.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"

#include "collector/model/entity.h"
#include "collector/model/histogram_columns.h"
#include "collector/model/record.h"
#include "collector/model/sample.h"
#include "collector/model/series.h"
#include "collector/store/call_limits.h"
#include "collector/store/refusals.h"
#include "collector/store/summary.h"
#include "common/id128.h"
#include "common/labels.h"

namespace leadline::collector::store {

// --- Writing ---

// Who writes: batches of one writer are numbered from 1, ascending; numbers are missing where the
// writer lost batches. Id (0,0) is an anonymous writer, whose batches are not numbered and not
// deduplicated.
struct WriterId {
  Id128 agent;
  uint64_t epoch = 0;

  bool operator==(const WriterId&) const = default;

  template <typename H>
  friend H AbslHashValue(H state, const WriterId& id) {
    return H::combine(std::move(state), id.agent, id.epoch);
  }
};

// Samples with one timestamp, as columns: series[i], an index into WriteBatch::series, has
// values[i].
struct FloatFrame {
  int64_t ts_ms = 0;
  std::vector<uint32_t> series;
  std::vector<double> values;
};

struct HistogramFrame {
  int64_t ts_ms = 0;
  std::vector<uint32_t> series;
  std::vector<model::NativeHistogram> values;
};

// A handle of a series, got from Resolve. It never means another series. The store forgets series
// some time after their entity ended, and the entity too; a batch that has the handle of one is
// refused with UNAVAILABLE and may come again, with a handle that is resolved anew and the entity.
using SeriesHandle = uint64_t;
inline constexpr SeriesHandle kNoSeries = UINT64_MAX;  // in place of one that was refused

// Who wrote the samples, which says how far back they may reach.
enum class Source : uint8_t {
  kAgent,  // replays what it kept: any age within retention
  kOther,  // remote write and the like: not later than the store's bound for it
};

// Times that samples may have, both included.
struct TimeRange {
  int64_t oldest_ms = 0;
  int64_t newest_ms = 0;

  bool Contains(int64_t ts_ms) const { return ts_ms >= oldest_ms && ts_ms <= newest_ms; }
};

struct WriteBatch {
  WriterId writer;
  uint64_t sequence = 0;
  std::vector<model::EntityVersion> entities;
  std::vector<SeriesHandle> series;  // those that the frames refer to
  std::vector<FloatFrame> floats;
  std::vector<HistogramFrame> histograms;
  std::vector<model::Record> records;
};

class Appendable {
 public:
  virtual ~Appendable() = default;

  // Called once, from a thread of the store, when the batch is durable or has failed; it must
  // neither block nor call the store's methods that wait (Append, Flush, DropBefore).
  using Durable = std::function<void(absl::Status)>;

  // Handles for definitions, in their order; kNoSeries for those that are over a limit of the
  // tenant, which are counted in `refusals`. Series that are known are never over the limits of how
  // many there may be. RESOURCE_EXHAUSTED when there are new ones and the store has no memory left
  // for them.
  virtual absl::StatusOr<std::vector<SeriesHandle>> ResolveEach(
      std::string_view tenant, absl::Span<const model::SeriesDefinition> series,
      Refusals& refusals) = 0;
  // All of them, or the error of one.
  absl::StatusOr<std::vector<SeriesHandle>> Resolve(
      std::string_view tenant, absl::Span<const model::SeriesDefinition> series);

  // To be asked before Append: takes out of the batch the samples that may not be written, which
  // are those too far ahead of the clock, those too late for their source, those older than
  // retention and those of kNoSeries, and counts them in `refusals`; the rest may be appended.
  // RESOURCE_EXHAUSTED when the tenant has written too many samples a second, for which a record
  // counts as one: nothing is taken out, and the batch may come again, when Refusals::retry_after()
  // says.
  virtual absl::Status Admit(std::string_view tenant, Source source, WriteBatch& batch,
                             Refusals& refusals) = 0;
  // Times that Admit takes now, for who adds samples of its own.
  virtual TimeRange AdmittedTimes(Source source) const = 0;

  // Takes the batch in: it is visible to queries when `durable` is called with OK. A batch whose
  // sequence is not above LastSequence is durable already and is reported so. Batches of a writer
  // are handed in in order; when one fails, those that were handed in behind it fail too, so that
  // LastSequence never passes a batch that is not there. Waits when the log cannot keep up.
  virtual void Append(std::string_view tenant, WriteBatch batch, Durable durable) = 0;

  // The last durable sequence of the writer; 0 when there is none.
  virtual uint64_t LastSequence(std::string_view tenant, const WriterId& writer) const = 0;
};

// --- Reading ---

struct Matcher {
  enum class Op : uint8_t { kEqual, kNotEqual, kRegex, kNotRegex };
  Op op = Op::kEqual;
  std::string name;   // "__name__" for the metric
  std::string value;  // a regular expression is anchored at both ends, RE2 syntax
};

// Which of their visible labels series are shown with, besides __name__: whoever adds them up by
// namespace needs no others. What is one series is decided by all visible labels, whatever is
// shown.
struct ShownLabels {
  enum class Which : uint8_t { kAll, kOnly, kBut };
  Which which = Which::kAll;
  std::vector<std::string> names;  // sorted, each once
};

struct SelectHints {
  int64_t start_ms = 0;
  int64_t end_ms = 0;
  int64_t step_ms = 0;   // 0: instant
  int64_t range_ms = 0;  // that each step looks back for; 0: not known
  std::string function;  // the innermost function or aggregation over the selector, or ""
  RollupHints rollups;
  // Labels that the whole query names: those among them that begin with "label_" become visible.
  std::vector<std::string> named_labels;
  ShownLabels shown;
  bool sorted = true;  // by labels; else in an order that is the same for the same store
  // Whether there is a sample within range_ms is all that is asked: values may be any but staleness
  // markers where they are none, so that they need not be decoded; and where samples are not
  // further apart than range_ms fewer may stand for them, at other times, so that theirs need not.
  bool presence = false;
  bool columns = false;               // histograms of counters may come as columns
  uint64_t max_samples = 50'000'000;  // RESOURCE_EXHAUSTED above, for each Read and for a Select
  absl::Time deadline = absl::InfiniteFuture();  // by SteadyNow()
  const std::atomic<bool>* cancelled = nullptr;  // CANCELLED once it is set; nullptr: nobody can
  // Of what Find holds while it gathers, and Select's blocks; nullptr: no bound. What a Selection
  // and its blocks hold after that is for who has them to count.
  MemoryBound* memory = nullptr;

  CallLimits limits() const { return {deadline, cancelled, memory}; }
};

// One series' samples in the range, in time order, each timestamp once; staleness markers are
// included. An entity whose visible labels changed within the range gives one block a label set;
// the block of the labels before ends with a marker at the time of the change. Blocks of one Select
// whose labels are equal are joined: from the time on at which the later one got its labels (its
// entity's start, mostly) it alone counts, and what the earlier one counted after that is its
// sample of the last millisecond before. So the increase of both is the whole. Where both got them
// at once, of equal timestamps the sample of the entity with the greater id wins.
struct SeriesBlock {
  // The visible ones that are shown, with __name__; one object for series that have the same.
  std::shared_ptr<const LabelSet> labels;
  Id128 entity;
  // Known life of the entity (its start, kOpenEnd while it lives), so that rates are not
  // extrapolated past it. 0 and kOpenEnd for series with no known life.
  int64_t entity_start_ms = 0;
  int64_t entity_end_ms = model::kOpenEnd;
  std::vector<int64_t> ts_ms;
  std::vector<double> values;
  std::vector<int64_t> histogram_ts_ms;
  std::vector<model::NativeHistogram> histograms;
  // Instead of `histograms`, only where the hints ask for columns, and only where that is possible
  // and costs less; without staleness markers. Shared by copies.
  std::shared_ptr<const model::HistogramColumns> columns;
  // Where samples stand for more than themselves (SelectHints::rollups), else empty: for how many
  // each does, and what falls between the one before and it were from (NaN: nothing is between
  // them but what their values tell). A sum or extreme stands at the end of its bucket.
  std::vector<uint32_t> counts;
  std::vector<double> lost;
  std::vector<uint32_t> histogram_counts;

  bool is_summary() const { return !counts.empty() || !histogram_counts.empty(); }
  bool empty() const { return ts_ms.empty() && histogram_ts_ms.empty(); }
  size_t sample_count() const { return ts_ms.size() + histogram_ts_ms.size(); }
};

// What finding and reading series took.
struct ReadCounts {
  uint64_t candidates = 0;  // series that the indexes gave
  uint64_t series = 0;      // of them those that matched, by label set
  uint64_t chunks = 0;      // runs of samples that were decoded
  uint64_t bytes = 0;       // of them, encoded
  uint64_t samples = 0;     // in the range
  uint64_t minutes = 0;     // of them buckets of rollups of a minute, and of an hour
  uint64_t hours = 0;
  uint64_t inexact = 0;  // of those the ones that are no exact answer
};

// The series that were found, whose samples are read when they are wanted.
//
// Threading: any number of threads may read at a time. It keeps what it needs of the store, which
// must outlive it.
class Selection {
 public:
  virtual ~Selection() = default;

  // How many series there may be: some may turn out to have no samples in the range.
  virtual size_t size() const = 0;

  // Calls `use` with series `first` to `first + count - 1`, one after the other, those without
  // samples left out, until it gives an error, which is passed on. What it leaves in the block is
  // used again for the next, so that reading many need not allocate.
  // DATA_LOSS for damage that nobody knew of: who asks anew gets what there is without it.
  // REQUIRES: first + count <= size().
  using UseBlock = absl::FunctionRef<absl::Status(SeriesBlock& block)>;
  virtual absl::Status Read(size_t first, size_t count, UseBlock use) const = 0;

  // So far.
  virtual ReadCounts counts() const = 0;

  // Memory that it takes, about.
  virtual uint64_t held_bytes() const = 0;
};

// Which series a metadata call is about: any of `selectors` (each a conjunction), or all when
// empty.
struct SeriesFilter {
  std::vector<std::vector<Matcher>> selectors;
  int64_t start_ms = 0;
  int64_t end_ms = model::kOpenEnd;
  size_t limit = 0;  // 0: none
  CallLimits limits;
};

// Keys of records from one to another, both included, all of them as long as the first.
struct KeyRange {
  std::string first;
  std::string last;
};

// Which records: of one table, of one key or of all, with a time in the range.
struct RecordFilter {
  model::RecordTable table = model::RecordTable::kEntityVersions;
  std::optional<std::string> key;
  // Only what is in one of them: ascending, apart, and all of one length. Empty: whatever.
  std::vector<KeyRange> key_ranges;
  int64_t start_ms = 0;
  int64_t end_ms = model::kOpenEnd;
  size_t limit = 100'000;  // RESOURCE_EXHAUSTED above
  CallLimits limits;       // the memory is that of what is found
};

class Queryable {
 public:
  virtual ~Queryable() = default;

  // At least one matcher must not match the empty string.
  virtual absl::StatusOr<std::unique_ptr<Selection>> Find(std::string_view tenant,
                                                          absl::Span<const Matcher> matchers,
                                                          const SelectHints& hints) const = 0;
  // All that Find finds, none of it empty.
  absl::StatusOr<std::vector<SeriesBlock>> Select(std::string_view tenant,
                                                  absl::Span<const Matcher> matchers,
                                                  const SelectHints& hints) const;

  // Names and values of labels, ascending, each once, and visible label sets, in order, each once
  // and by name. Kubernetes labels are included in the former. They are read where they lie: `take`
  // is called once, if there is no error before, and they are valid until it returns; its own error
  // is passed on. What they take of the limits' memory is given back then.
  using TakeTexts = absl::FunctionRef<absl::Status(absl::Span<const std::string_view> texts)>;
  using SeriesView = absl::Span<const LabelView>;
  using TakeSeries = absl::FunctionRef<absl::Status(absl::Span<const SeriesView> series)>;
  virtual absl::Status UseLabelNames(std::string_view tenant, const SeriesFilter& filter,
                                     TakeTexts take) const = 0;
  virtual absl::Status UseLabelValues(std::string_view tenant, std::string_view name,
                                      const SeriesFilter& filter, TakeTexts take) const = 0;
  virtual absl::Status UseSeries(std::string_view tenant, const SeriesFilter& filter,
                                 TakeSeries take) const = 0;
  // The same as copies.
  absl::StatusOr<std::vector<std::string>> LabelNames(std::string_view tenant,
                                                      const SeriesFilter& filter) const;
  absl::StatusOr<std::vector<std::string>> LabelValues(std::string_view tenant,
                                                       std::string_view name,
                                                       const SeriesFilter& filter) const;
  absl::StatusOr<std::vector<LabelSet>> Series(std::string_view tenant,
                                               const SeriesFilter& filter) const;
  // The version in force at t of every entity that lived then.
  virtual absl::StatusOr<std::vector<model::EntityVersion>> EntitiesAt(std::string_view tenant,
                                                                       int64_t t_ms) const = 0;

  // In the order of their time, then key. RESOURCE_EXHAUSTED when there are more than the limit.
  virtual absl::StatusOr<std::vector<model::Record>> Records(std::string_view /*tenant*/,
                                                             const RecordFilter& /*filter*/) const {
    return absl::UnimplementedError("there are no records here");
  }

  // What should be there in the range and is not, since it was found damaged or missing: a text
  // each, for those who get an answer without it.
  virtual std::vector<std::string> Gaps(int64_t /*start_ms*/, int64_t /*end_ms*/) const {
    return {};
  }
};

// --- Both ---

class Store : public Appendable {
 public:
  // Lives as long as the store.
  virtual const Queryable& queryable() const = 0;

  // Drops whole windows that end before t.
  virtual absl::Status DropBefore(int64_t t_ms) = 0;

  // Writes everything that is only in memory and the log into windows, and settles compaction.
  virtual absl::Status Flush() = 0;

  // Makes the rollups that are due now, which is done in the background otherwise.
  virtual absl::Status RollUp() { return absl::OkStatus(); }

  // OK while it takes writes, otherwise why not: the disk is full, the log has stopped, windows
  // cannot be written.
  virtual absl::Status Health() const = 0;
};

}  // namespace leadline::collector::store
