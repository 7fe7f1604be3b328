// A window's dictionary and index in rows: CPU and bytes of new series, and what the first question
// of a cold window takes: nothing of it is in memory but the operating system's pages.
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <rocksdb/cache.h>
#include <rocksdb/db.h>

#include "collector/store/window/dictionary.h"
#include "collector/store/window/rocks.h"
#include "tests/bench/index_shapes.h"

namespace leadline::collector::store::window {
namespace {

using index::kSeriesATarget;
using index::Shape;

constexpr size_t kCacheBytes = 64 << 20;
constexpr int kTargetsAWrite = 500;

class Rows {
 public:
  Rows()
      : dir_(std::filesystem::temp_directory_path() /
             ("leadline-rows-" + std::to_string(getpid()))) {
    std::filesystem::remove_all(dir_);
    Open(/*create=*/true);
  }
  ~Rows() {
    dictionary_.reset();
    db_.reset();
    std::filesystem::remove_all(dir_);
  }

  void Open(bool create) {
    dictionary_.reset();
    db_.reset();
    const Shared shared{MakeBlockCache(kCacheBytes)};
    rocksdb::DB* db = nullptr;
    if (!rocksdb::DB::Open(WindowOptions(shared, create), dir_, &db).ok()) std::abort();
    db_.reset(db);
    dictionary_ = std::make_unique<Dictionary>(*db, shared.cache, dir_);
  }

  void Write(Shape shape, int first, int end) {
    std::vector<index::TimelinePtr> entities;
    std::vector<index::DefinitionPtr> series;
    for (int target = first; target < end; ++target) {
      for (const model::SeriesDefinition& one : SeriesOf(shape, target)) {
        series.push_back(index::Intern(one));
      }
      if (shape == Shape::kAgent) entities.push_back(index::TimelineOf(target));
    }
    std::vector<SeriesRef> refs;
    if (!dictionary_->Write("default", entities, series, refs).ok()) std::abort();
  }

  void Settle() {
    rocksdb::FlushOptions wait;
    if (!db_->Flush(wait).ok()) std::abort();
    if (!db_->CompactRange(rocksdb::CompactRangeOptions(), nullptr, nullptr).ok()) std::abort();
  }

  size_t Find(const std::string& name, const std::string& value) {
    std::vector<SeriesRef> refs;
    if (!dictionary_
             ->Find("default", *index::Matchers::Compile({{Matcher::Op::kEqual, name, value}}), {},
                    refs)
             .ok()) {
      std::abort();
    }
    return refs.size();
  }

  size_t Values(index::LabelsOf whose, const std::string& name) {
    size_t values = 0;
    if (!dictionary_
             ->LabelValues("default", whose, name,
                           [&](std::string_view) {
                             ++values;
                             return true;
                           })
             .ok()) {
      std::abort();
    }
    return values;
  }

  uintmax_t DiskBytes() const {
    uintmax_t bytes = 0;
    for (const auto& entry : std::filesystem::directory_iterator(dir_)) {
      if (entry.path().extension() == ".sst") bytes += entry.file_size();
    }
    return bytes;
  }

 private:
  const std::filesystem::path dir_;
  std::unique_ptr<rocksdb::DB> db_;
  std::unique_ptr<Dictionary> dictionary_;
};

void BM_WriteRows(benchmark::State& state) {
  const int targets = static_cast<int>(state.range(1)) / kSeriesATarget;
  for ([[maybe_unused]] auto _ : state) {
    Rows rows;
    for (int first = 0; first < targets; first += kTargetsAWrite) {
      rows.Write(static_cast<Shape>(state.range(0)), first,
                 std::min(targets, first + kTargetsAWrite));
    }
    rows.Settle();
    state.counters["disk_bytes_a_series"] =
        static_cast<double>(rows.DiskBytes()) / (targets * kSeriesATarget);
  }
  state.SetItemsProcessed(state.iterations() * targets * kSeriesATarget);
}
BENCHMARK(BM_WriteRows)
    ->ArgsProduct({{index::kAgent, index::kRemoteWrite}, {100'000}})
    ->Unit(benchmark::kMillisecond)
    ->Iterations(1)
    ->MeasureProcessCPUTime();

enum Question : int64_t { kPod, kMetric, kPods, kNamespaces, kWriter };

void BM_Cold(benchmark::State& state) {
  const auto shape = static_cast<Shape>(state.range(0));
  const int targets = static_cast<int>(state.range(1)) / kSeriesATarget;
  Rows rows;
  for (int first = 0; first < targets; first += kTargetsAWrite) {
    rows.Write(shape, first, std::min(targets, first + kTargetsAWrite));
  }
  rows.Settle();
  const auto whose = shape == index::kAgent ? index::LabelsOf::kEntity : index::LabelsOf::kSeries;
  size_t found = 0;
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    rows.Open(/*create=*/false);
    state.ResumeTiming();
    switch (state.range(2)) {
      case kPod:
        found = rows.Find("pod", index::HexName("workload-", 400));
        break;
      case kMetric:
        found = rows.Find("__name__", "container_metric_number_1_total");
        break;
      case kPods:
        found = rows.Values(whose, "pod");
        break;
      case kNamespaces:
        found = rows.Values(whose, "namespace");
        break;
      case kWriter:
        rows.Write(shape, 0, 1);
        break;
    }
  }
  state.counters["found"] = static_cast<double>(found);
}
BENCHMARK(BM_Cold)
    ->ArgsProduct({{index::kAgent, index::kRemoteWrite},
                   {100'000},
                   {kPod, kMetric, kPods, kNamespaces, kWriter}})
    ->Unit(benchmark::kMicrosecond)
    ->Iterations(3);

}  // namespace
}  // namespace leadline::collector::store::window
