// The encoders over columns as a cluster has them: what a sample takes, beside the entropy and
// beside differences as varints under zstd, and how fast it is coded. Google Benchmark.
//
// The table comes first: leadline_bench_codec --benchmark_filter=none prints that alone.
#include <zstd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <random>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "collector/store/codec/chunk.h"
#include "collector/store/codec/decimals.h"
#include "collector/store/codec/floats.h"
#include "common/bytes.h"
#include "tests/bench/columns.h"

namespace leadline::collector::store {
namespace {

constexpr size_t kSeries = 32;

std::vector<std::vector<double>> Columns(const ColumnShape& shape, size_t count) {
  std::vector<std::vector<double>> columns;
  for (size_t series = 0; series < kSeries; ++series) {
    std::mt19937_64 random(series + 1);
    columns.push_back(shape.make(count, random));
  }
  return columns;
}

// Differences (or differences of differences, whichever is less) of decimals, as varints, with
// zstd.
size_t ZstdBytes(const std::vector<double>& column) {
  const auto decimals = codec::AsDecimals(column);
  if (!decimals) return column.size() * sizeof(double);
  size_t least = SIZE_MAX;
  for (const bool twice : {false, true}) {
    std::string bytes;
    int64_t before = 0;
    int64_t step_before = 0;
    for (const int64_t mantissa : decimals->mantissas) {
      const int64_t step = mantissa - before;
      AppendSigned(twice ? step - step_before : step, bytes);
      before = mantissa;
      step_before = step;
    }
    std::string packed(ZSTD_compressBound(bytes.size()), '\0');
    least = std::min({least, bytes.size(),
                      ZSTD_compress(packed.data(), packed.size(), bytes.data(), bytes.size(), 1)});
  }
  return least;
}

double CpuNs() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

void PrintTable() {
  std::printf("%-24s %9s | %s\n", "", "entropy",
              "bits a sample, and as varints with zstd; ns to encode and decode a sample, in "
              "columns of 30, 360, 1080");
  for (const ColumnShape& shape : ColumnShapes()) {
    std::printf("%-24s %9.2f |", shape.name, EntropyBits(shape));
    for (const size_t count : {size_t{30}, size_t{360}, size_t{1080}}) {
      const auto columns = Columns(shape, count);
      size_t ours = 0;
      size_t zstd = 0;
      for (const auto& column : columns) zstd += ZstdBytes(column);
      std::vector<std::string> encoded(columns.size());
      const size_t rounds = 1 + 200'000 / (count * kSeries);
      double begin = CpuNs();
      for (size_t round = 0; round < rounds; ++round) {
        for (size_t i = 0; i < columns.size(); ++i) {
          encoded[i].clear();
          codec::EncodeFloats(columns[i], encoded[i]);
        }
      }
      const double encode_ns = (CpuNs() - begin) / static_cast<double>(rounds * count * kSeries);
      std::vector<double> decoded(count);
      begin = CpuNs();
      for (size_t round = 0; round < rounds; ++round) {
        for (const std::string& bytes : encoded) {
          ByteReader reader(bytes);
          codec::DecodeFloats(reader, absl::MakeSpan(decoded));
        }
      }
      const double decode_ns = (CpuNs() - begin) / static_cast<double>(rounds * count * kSeries);
      for (const std::string& bytes : encoded) ours += bytes.size();
      const auto bits = [&](size_t bytes) {
        return 8.0 * static_cast<double>(bytes) / static_cast<double>(count * kSeries);
      };
      std::printf(" %6.2f (%6.2f) %4.0f %4.1f |", bits(ours), bits(zstd), encode_ns, decode_ns);
    }
    std::printf("\n");
  }
}

std::vector<int64_t> Times(size_t count) {
  std::vector<int64_t> ts_ms;
  for (size_t i = 0; i < count; ++i) {
    ts_ms.push_back(1'700'006'400'000 + static_cast<int64_t>(i) * 10'000);
  }
  return ts_ms;
}

void BM_EncodeChunk(benchmark::State& state) {
  const ColumnShape& shape = ColumnShapes()[static_cast<size_t>(state.range(0))];
  const auto column = Columns(shape, 1080)[0];
  const auto ts_ms = Times(column.size());
  size_t bytes = 0;
  for ([[maybe_unused]] auto _ : state) bytes = codec::EncodeChunk(ts_ms, column).size();
  state.SetLabel(shape.name);
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(column.size()));
  state.counters["bytes_a_sample"] =
      static_cast<double>(bytes) / static_cast<double>(column.size());
}

void BM_DecodeChunk(benchmark::State& state) {
  const ColumnShape& shape = ColumnShapes()[static_cast<size_t>(state.range(0))];
  const auto column = Columns(shape, 1080)[0];
  const std::string chunk = codec::EncodeChunk(Times(column.size()), column);
  std::vector<int64_t> ts_ms;
  std::vector<double> values;
  for ([[maybe_unused]] auto _ : state) {
    ts_ms.clear();
    values.clear();
    if (!codec::DecodeChunk(chunk, ts_ms, values).ok()) state.SkipWithError("decode");
  }
  state.SetLabel(shape.name);
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(column.size()));
}

void EachShape(benchmark::internal::Benchmark* bench) {
  for (size_t i = 0; i < ColumnShapes().size(); ++i) bench->Arg(static_cast<int64_t>(i));
}
BENCHMARK(BM_EncodeChunk)->Apply(EachShape);
BENCHMARK(BM_DecodeChunk)->Apply(EachShape);

}  // namespace
}  // namespace leadline::collector::store

int main(int argc, char** argv) {
  leadline::collector::store::PrintTable();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
