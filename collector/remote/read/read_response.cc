#include "collector/remote/read/read_response.h"

#include <algorithm>
#include <string_view>

#include <boost/crc.hpp>

#include "collector/remote/encode/series.h"
#include "collector/remote/read/xor_chunk.h"
#include "collector/remote/wire/writer.h"

namespace leadline::collector::remote::read {
namespace {

constexpr uint32_t kResponseResults = 1;
constexpr uint32_t kResultSeries = 1;
constexpr uint32_t kSeriesLabels = 1;
constexpr uint32_t kSeriesSamples = 2;
constexpr uint32_t kSeriesHistograms = 4;
constexpr uint32_t kChunkedSeries = 1;
constexpr uint32_t kChunkedQueryIndex = 2;
constexpr uint32_t kChunkedChunks = 2;
constexpr uint32_t kChunkMinTime = 1;
constexpr uint32_t kChunkMaxTime = 2;
constexpr uint32_t kChunkType = 3;
constexpr uint32_t kChunkData = 4;
constexpr uint64_t kXor = 1;

using Crc32c = boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true>;

void AppendFrame(std::string_view message, std::string& out) {
  Crc32c crc;
  crc.process_bytes(message.data(), message.size());
  AppendVarint(message.size(), out);
  for (int shift = 24; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(crc.checksum() >> shift));
  }
  out += message;
}

std::string EncodeChunk(const store::SeriesBlock& block, size_t begin, size_t end) {
  std::string chunk;
  wire::AppendInt64(kChunkMinTime, block.ts_ms[begin], chunk);
  wire::AppendInt64(kChunkMaxTime, block.ts_ms[end - 1], chunk);
  wire::AppendNumber(kChunkType, kXor, chunk);
  wire::AppendBytes(
      kChunkData,
      EncodeXorChunk({&block.ts_ms[begin], end - begin}, {&block.values[begin], end - begin}),
      chunk);
  return chunk;
}

// A frame is of one series: what follows in the next one has its labels again.
void AppendFramesOf(size_t query, const store::SeriesBlock& block, std::string& response) {
  std::string labels;
  encode::AppendLabels(kSeriesLabels, *block.labels, labels);
  std::string series = labels;
  const auto close = [&] {
    std::string message;
    wire::AppendBytes(kChunkedSeries, series, message);
    wire::AppendNumber(kChunkedQueryIndex, query, message);
    AppendFrame(message, response);
    series = labels;
  };
  for (size_t begin = 0; begin < block.ts_ms.size(); begin += kMaxChunkSamples) {
    if (series.size() >= kFrameBytes) close();
    const size_t end = std::min(begin + kMaxChunkSamples, block.ts_ms.size());
    wire::AppendBytes(kChunkedChunks, EncodeChunk(block, begin, end), series);
  }
  close();
}

}  // namespace

void AppendResult(const std::vector<store::SeriesBlock>& blocks, std::string& response) {
  std::string result;
  std::string series;
  for (const store::SeriesBlock& block : blocks) {
    series.clear();
    encode::AppendLabels(kSeriesLabels, *block.labels, series);
    for (size_t i = 0; i < block.ts_ms.size(); ++i) {
      encode::AppendSample(kSeriesSamples, block.ts_ms[i], block.values[i], series);
    }
    for (size_t i = 0; i < block.histogram_ts_ms.size(); ++i) {
      encode::AppendHistogram(kSeriesHistograms, block.histogram_ts_ms[i], block.histograms[i],
                              series);
    }
    wire::AppendBytes(kResultSeries, series, result);
  }
  wire::AppendBytes(kResponseResults, result, response);
}

void AppendFrames(size_t query, const std::vector<store::SeriesBlock>& blocks,
                  std::string& response) {
  for (const store::SeriesBlock& block : blocks) {
    if (!block.ts_ms.empty()) AppendFramesOf(query, block, response);
  }
}

}  // namespace leadline::collector::remote::read
