// What a sample costs on the wire: bytes, and CPU at both ends.
//
// Replays a recording and encodes its batches as a session sends them. Definitions and the first
// two intervals, which are mostly definitions and first zeros, do not count. Floats and histograms
// are measured apart, each as if a session sent only those, and together.
//
// Usage: leadline_bench_wire RECORDING
#include <array>
#include <cstdio>
#include <ctime>
#include <string>
#include <vector>

#include "fmt/format.h"

#include "agent/export/message_compressor.h"
#include "agent/replay.h"
#include "common/status_text.h"
#include "common/zstd/stream.h"
#include "leadline/v1/ingest.pb.h"

namespace leadline {
namespace {

constexpr double kGoal = 2.5;  // bytes a float sample
constexpr int kSkippedIntervals = 2;
// What a collector allows, see collector/ingest/limits.h.
constexpr int kWindowLog = 18;
constexpr size_t kMaxMessageBytes = 4 << 20;
// gRPC's prefix of a message and the header of the HTTP/2 frame that it is in.
constexpr size_t kFramingBytes = 5 + 9;

double CpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// One session that sends a part of each batch.
class Line {
 public:
  Line(const char* name, bool floats, bool histograms)
      : name_(name), floats_(floats), histograms_(histograms) {}

  void Send(v1::AgentMessage message, bool counts) {
    uint64_t samples = 0;
    for (v1::Frame& frame : *message.mutable_batch()->mutable_frames()) {
      if (!histograms_) frame.clear_histograms();
      if (!floats_) {
        frame.clear_integer_series();
        frame.clear_integers();
        frame.clear_double_series();
        frame.clear_doubles();
      }
      samples += static_cast<uint64_t>(frame.integers_size() + frame.doubles_size() +
                                       frame.histograms().series_size());
    }
    const double begin = CpuSeconds();
    const v1::AgentMessage& sent = compressor_.Compress(message);
    const double compressed = CpuSeconds();
    const auto received = decompressor_.Next(sent.compressed(), kMaxMessageBytes);
    const double end = CpuSeconds();
    if (!received.ok() || *received != message.SerializeAsString()) ++wrong_;
    if (!counts) return;
    samples_ += samples;
    plain_bytes_ += message.ByteSizeLong() + kFramingBytes;
    sent_bytes_ += sent.ByteSizeLong() + kFramingBytes;
    compress_s_ += compressed - begin;
    decompress_s_ += end - compressed;
  }

  void Print() const {
    const auto each = [this](double total) { return total / static_cast<double>(samples_); };
    fmt::print("{:<12}{:>9}{:>10.2f}{:>10.2f}{:>12.1f}{:>14.1f}\n", name_, samples_,
               each(static_cast<double>(plain_bytes_)), BytesASample(), each(compress_s_ * 1e9),
               each(decompress_s_ * 1e9));
  }

  double BytesASample() const {
    return static_cast<double>(sent_bytes_) / static_cast<double>(samples_);
  }
  uint64_t samples() const { return samples_; }
  bool ok() const { return wrong_ == 0 && samples_ > 0; }

 private:
  const char* const name_;
  const bool floats_;
  const bool histograms_;
  agent::MessageCompressor compressor_{kWindowLog};
  zstd::Decompressor decompressor_{kWindowLog};
  uint64_t samples_ = 0;
  uint64_t plain_bytes_ = 0;
  uint64_t sent_bytes_ = 0;
  uint64_t wrong_ = 0;
  double compress_s_ = 0;
  double decompress_s_ = 0;
};

int Run(const std::string& recording) {
  std::array<Line, 3> lines = {Line("floats", true, false), Line("histograms", false, true),
                               Line("together", true, true)};
  int intervals = 0;
  const absl::Status status =
      agent::ReplayBatches(recording, [&](const std::vector<agent::SealedBatch>& batches) {
        ++intervals;
        for (const agent::SealedBatch& batch : batches) {
          v1::AgentMessage message;
          message.mutable_batch()->ParseFromString(batch.wire);
          for (Line& line : lines) line.Send(message, intervals > kSkippedIntervals);
        }
      });
  if (!status.ok()) {
    fmt::print(stderr, "leadline_bench_wire: {}\n", StatusMessage(status));
    return 1;
  }
  fmt::print("The wire, {} intervals of {}\n", intervals - kSkippedIntervals, recording);
  fmt::print("{:<12}{:>9}{:>10}{:>10}{:>12}{:>14}\n", "", "samples", "B plain", "B sent",
             "ns to send", "ns to receive");
  for (const Line& line : lines) {
    if (!line.ok()) {
      fmt::print(stderr, "leadline_bench_wire: what was sent did not arrive\n");
      return 1;
    }
    line.Print();
  }
  const double bytes = lines[0].BytesASample();
  fmt::print("A float sample: {:.2f} bytes, at most {} are wanted: {}\n", bytes, kGoal,
             bytes <= kGoal ? "met" : "MISSED");
  return bytes <= kGoal ? 0 : 1;
}

}  // namespace
}  // namespace leadline

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: leadline_bench_wire RECORDING\n", stderr);
    return 2;
  }
  return leadline::Run(argv[1]);
}
