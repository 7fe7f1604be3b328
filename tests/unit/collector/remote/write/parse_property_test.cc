// Random requests, whole and damaged: ours finds in them what Protocol Buffers' own parser finds.
#include <bit>
#include <random>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "collector/remote/write/limits.h"
#include "collector/remote/write/parse_v1.h"
#include "collector/remote/write/parse_v2.h"
#include "common/bytes.h"
#include "prometheus/write_v1.pb.h"
#include "prometheus/write_v2.pb.h"

namespace leadline::collector::remote::write {
namespace {

namespace v1 = leadline::test::v1;

class RandomRequest {
 public:
  explicit RandomRequest(uint32_t seed) : random_(seed) {}

  v1::WriteRequest Make() {
    v1::WriteRequest request;
    for (size_t i = Below(5); i > 0; --i) FillSeries(*request.add_timeseries());
    for (size_t i = Below(3); i > 0; --i) {
      v1::MetricMetadata& metadata = *request.add_metadata();
      metadata.set_type(static_cast<int32_t>(Below(10)));
      metadata.set_metric_family_name(Text());
      metadata.set_help(Text());
      if (Below(2) == 0) metadata.set_unit(Text());
    }
    return request;
  }

  // Some bytes changed, removed or doubled.
  std::string Damage(std::string bytes) {
    for (size_t i = Below(4); i > 0 && !bytes.empty(); --i) {
      const size_t at = Below(bytes.size());
      switch (Below(3)) {
        case 0:
          bytes[at] = static_cast<char>(random_());
          break;
        case 1:
          bytes.erase(at, 1 + Below(3));
          break;
        default:
          bytes.insert(at, bytes.substr(at, 1 + Below(3)));
      }
    }
    return bytes;
  }

 private:
  size_t Below(size_t end) { return random_() % end; }
  std::string Text() { return std::string(Below(200), static_cast<char>('a' + Below(26))); }
  double Number() { return std::bit_cast<double>(random_() << 32 ^ random_()); }
  int64_t Integer() { return static_cast<int64_t>(random_()) >> Below(64); }

  void FillSeries(v1::TimeSeries& series) {
    for (size_t i = Below(6); i > 0; --i) {
      v1::Label& label = *series.add_labels();
      if (Below(8) != 0) label.set_name(Text());
      if (Below(8) != 0) label.set_value(Text());
    }
    for (size_t i = Below(4); i > 0; --i) {
      v1::Sample& sample = *series.add_samples();
      if (Below(8) != 0) sample.set_value(Number());
      if (Below(8) != 0) sample.set_timestamp(Integer());
    }
    for (size_t i = Below(3); i > 0; --i) {
      v1::Exemplar& exemplar = *series.add_exemplars();
      for (size_t j = Below(3); j > 0; --j) {
        v1::Label& label = *exemplar.add_labels();
        label.set_name(Text());
        label.set_value(Text());
      }
      if (Below(8) != 0) exemplar.set_value(Number());
      if (Below(8) != 0) exemplar.set_timestamp(Integer());
    }
    for (size_t i = Below(3); i > 0; --i) FillHistogram(*series.add_histograms());
  }

  void FillHistogram(v1::Histogram& histogram) {
    histogram.set_timestamp(Integer());
    histogram.set_schema(static_cast<int32_t>(Below(16)) - 6);
    histogram.set_sum(Number());
    histogram.set_zero_threshold(0.5);
    v1::BucketSpan& span = *histogram.add_positive_spans();
    span.set_offset(static_cast<int32_t>(Integer()));
    span.set_length(static_cast<uint32_t>(Below(5)));
    uint64_t count = 0;
    if (Below(2) == 0) {
      int64_t at = 0;
      for (size_t i = span.length(); i > 0; --i) {
        const auto delta = static_cast<int64_t>(Below(5));
        histogram.add_positive_deltas(delta);
        count += static_cast<uint64_t>(at += delta);
      }
      histogram.set_count_int(count);
    } else {
      for (size_t i = span.length(); i > 0; --i) {
        histogram.add_positive_counts(static_cast<double>(i) / 4);
        count += i;
      }
      histogram.set_count_float(static_cast<double>(count) / 4);
    }
  }

  std::mt19937_64 random_;
};

std::string Bits(double value) { return fmt::format("{:x}", std::bit_cast<uint64_t>(value)); }

// What both give of a request, as text.
std::string Show(const v1::WriteRequest& request) {
  std::string text;
  const auto out = std::back_inserter(text);
  for (const v1::TimeSeries& series : request.timeseries()) {
    text += "series\n";
    for (const v1::Label& label : series.labels()) {
      fmt::format_to(out, "  {}={}\n", label.name().size(), label.value().size());
      text += label.name() + "=" + label.value() + "\n";
    }
    for (const v1::Sample& sample : series.samples()) {
      fmt::format_to(out, "  {} @{}\n", Bits(sample.value()), sample.timestamp());
    }
    for (const v1::Histogram& histogram : series.histograms()) {
      fmt::format_to(out, "  histogram {} @{}\n", Bits(histogram.sum()), histogram.timestamp());
    }
    for (const v1::Exemplar& exemplar : series.exemplars()) {
      fmt::format_to(out, "  exemplar {} @{}\n", Bits(exemplar.value()), exemplar.timestamp());
      for (const v1::Label& label : exemplar.labels()) {
        text += label.name() + "=" + label.value() + "\n";
      }
    }
  }
  for (const v1::MetricMetadata& metadata : request.metadata()) {
    fmt::format_to(out, "{} {} {} {}\n", metadata.type() & ~7 ? 0 : metadata.type(),
                   metadata.metric_family_name(), metadata.help(), metadata.unit());
  }
  return text;
}

absl::StatusOr<std::string> Show(const Request& request) {
  std::string text;
  const auto out = std::back_inserter(text);
  size_t sample = 0;
  size_t histogram = 0;
  size_t exemplar = 0;
  for (const Series& series : request.series) {
    text += "series\n";
    const auto labels = ReadLabelsV1(series.labels);
    if (!labels.ok()) return labels.status();
    for (const auto& [name, value] : *labels) {
      fmt::format_to(out, "  {}={}\n", name.size(), value.size());
      text += std::string(name) + "=" + std::string(value) + "\n";
    }
    for (; sample < series.samples_end; ++sample) {
      fmt::format_to(out, "  {} @{}\n", Bits(request.samples[sample].value),
                     request.samples[sample].ts_ms);
    }
    for (; histogram < series.histograms_end; ++histogram) {
      fmt::format_to(out, "  histogram {} @{}\n", Bits(request.histograms[histogram].value.sum),
                     request.histograms[histogram].ts_ms);
    }
    for (; exemplar < series.exemplars_end; ++exemplar) {
      const Exemplar& one = request.exemplars[exemplar];
      fmt::format_to(out, "  exemplar {} @{}\n", Bits(one.value), one.ts_ms);
      const auto of_it = ReadLabelsV1(one.labels);
      if (!of_it.ok()) return of_it.status();
      for (const auto& [name, value] : *of_it) {
        text += std::string(name) + "=" + std::string(value) + "\n";
      }
    }
  }
  for (const Metadata& metadata : request.metadata) {
    fmt::format_to(out, "{} {} {} {}\n", static_cast<int>(metadata.type), metadata.metric,
                   metadata.help, metadata.unit);
  }
  return text;
}

TEST(ParseV1, FindsWhatProtocolBuffersFinds) {
  size_t damaged = 0;
  size_t still_messages = 0;
  for (uint32_t seed = 0; seed < 20'000; ++seed) {
    RandomRequest random(seed);
    const v1::WriteRequest made = random.Make();
    const std::string whole = made.SerializeAsString();
    const std::string bytes = seed % 2 == 0 ? whole : random.Damage(whole);
    damaged += bytes != whole ? 1 : 0;

    v1::WriteRequest theirs;
    const bool they_take_it = theirs.ParseFromString(bytes);
    Request ours;
    absl::Status status = ParseV1(bytes, ours);
    absl::StatusOr<std::string> shown = status.ok() ? Show(ours) : status;
    // A group is none of proto3's, and text of metadata need not be UTF-8 for us. But nothing that
    // both take is another thing to one of them.
    if (bytes == whole) {
      ASSERT_TRUE(shown.ok()) << seed << ": " << shown.status();
    }
    if (!they_take_it || !shown.ok()) continue;
    still_messages += bytes != whole ? 1 : 0;
    ASSERT_EQ(*shown, Show(theirs)) << seed;
  }
  EXPECT_GT(damaged, 5'000);
  EXPECT_GT(still_messages, 500);
}

// What is two bytes in a message may be hundreds in memory.
TEST(Parse, IsBounded) {
  const auto repeated = [](std::string_view field, size_t count) {
    std::string bytes;
    for (size_t i = 0; i < count; ++i) bytes += field;
    return bytes;
  };
  const auto in_series = [](char tag, const std::string& fields) {
    std::string message(1, tag);
    AppendVarint(fields.size(), message);
    return message + fields;
  };
  using namespace std::string_literals;
  Request request;
  for (const std::string& message :
       {in_series('\x0a', repeated("\x12\x00"s, kMaxSamples + 1)),
        in_series('\x0a', repeated("\x22\x00"s, kMaxHistograms + 1)),
        in_series('\x0a', repeated("\x1a\x00"s, kMaxExemplars + 1)),
        repeated("\x0a\x00"s, kMaxSeries + 1), repeated("\x1a\x00"s, kMaxMetadata + 1)}) {
    request.Clear();
    EXPECT_TRUE(absl::IsInvalidArgument(ParseV1(message, request)));
  }
  for (const std::string& message :
       {repeated("\x22\x00"s, kMaxSymbols + 1), repeated("\x2a\x00"s, kMaxSeries + 1),
        in_series('\x2a', repeated("\x12\x00"s, kMaxSamples + 1)),
        in_series('\x2a', repeated("\x1a\x00"s, kMaxHistograms + 1)),
        "\x22\x00"s + in_series('\x2a', repeated("\x22\x00"s, kMaxExemplars + 1))}) {
    request.Clear();
    EXPECT_TRUE(absl::IsInvalidArgument(ParseV2(message, request)));
  }
  // A series alone is at fault for its labels.
  request.Clear();
  const std::string labels = in_series('\x0a', repeated("\x0a\x00"s, 100'000));
  ASSERT_TRUE(ParseV1(labels, request).ok());
  EXPECT_EQ(ReadLabelsV1(request.series[0].labels)->size(), kMaxLabels + 1);
  // What is read of them was checked; what follows was not, and is not read.
  request.Clear();
  const std::string numbers =
      "\x22\x00"s + in_series('\x2a', repeated("\x08\x00"s, 2 * kMaxLabels + 2) + "\x08\x63");
  ASSERT_TRUE(ParseV2(numbers, request).ok());
  EXPECT_EQ(ReadLabelsV2(request, request.series[0].labels).size(), kMaxLabels + 1);
}

// The first version's request in the second's form.
leadline::test::v2::Request InVersion2(const v1::WriteRequest& from) {
  leadline::test::v2::Request request;
  request.add_symbols("");
  const auto symbol = [&](const std::string& text) {
    request.add_symbols(text);
    return static_cast<uint32_t>(request.symbols_size()) - 1;
  };
  for (const v1::TimeSeries& series : from.timeseries()) {
    auto& out = *request.add_timeseries();
    for (const v1::Label& label : series.labels()) {
      out.add_labels_refs(symbol(label.name()));
      out.add_labels_refs(symbol(label.value()));
    }
    for (const v1::Sample& sample : series.samples()) {
      auto& to = *out.add_samples();
      to.set_value(sample.value());
      to.set_timestamp(sample.timestamp());
    }
    for (const v1::Histogram& histogram : series.histograms()) {
      out.add_histograms()->ParseFromString(histogram.SerializeAsString());
    }
    for (const v1::Exemplar& exemplar : series.exemplars()) {
      auto& to = *out.add_exemplars();
      to.set_value(exemplar.value());
      to.set_timestamp(exemplar.timestamp());
      for (const v1::Label& label : exemplar.labels()) {
        to.add_labels_refs(symbol(label.name()));
        to.add_labels_refs(symbol(label.value()));
      }
    }
    if (series.samples_size() > 0) out.set_created_timestamp(series.samples(0).timestamp() / 2);
    out.mutable_metadata()->set_type(static_cast<int32_t>(out.labels_refs_size() % 9));
  }
  return request;
}

std::string Show(const leadline::test::v2::Request& request) {
  std::string text;
  const auto out = std::back_inserter(text);
  for (const auto& series : request.timeseries()) {
    fmt::format_to(out, "series {} created {}\n",
                   series.metadata().type() & ~7 ? 0 : series.metadata().type(),
                   series.created_timestamp());
    for (int i = 0; i + 1 < series.labels_refs_size(); i += 2) {
      text += request.symbols(static_cast<int>(series.labels_refs(i))) + "=" +
              request.symbols(static_cast<int>(series.labels_refs(i + 1))) + "\n";
    }
    for (const auto& sample : series.samples()) {
      fmt::format_to(out, "  {} @{}\n", Bits(sample.value()), sample.timestamp());
    }
    for (const auto& histogram : series.histograms()) {
      fmt::format_to(out, "  histogram {} @{}\n", Bits(histogram.sum()), histogram.timestamp());
    }
    for (const auto& exemplar : series.exemplars()) {
      fmt::format_to(out, "  exemplar {} @{}\n", Bits(exemplar.value()), exemplar.timestamp());
      for (int i = 0; i + 1 < exemplar.labels_refs_size(); i += 2) {
        text += request.symbols(static_cast<int>(exemplar.labels_refs(i))) + "=" +
                request.symbols(static_cast<int>(exemplar.labels_refs(i + 1))) + "\n";
      }
    }
  }
  return text;
}

std::string ShowV2(const Request& request) {
  std::string text;
  const auto out = std::back_inserter(text);
  size_t sample = 0;
  size_t histogram = 0;
  size_t exemplar = 0;
  for (const Series& series : request.series) {
    fmt::format_to(out, "series {} created {}\n", static_cast<int>(series.metadata.type),
                   series.created_ms);
    for (const auto& [name, value] : ReadLabelsV2(request, series.labels)) {
      text += std::string(name) + "=" + std::string(value) + "\n";
    }
    for (; sample < series.samples_end; ++sample) {
      fmt::format_to(out, "  {} @{}\n", Bits(request.samples[sample].value),
                     request.samples[sample].ts_ms);
    }
    for (; histogram < series.histograms_end; ++histogram) {
      fmt::format_to(out, "  histogram {} @{}\n", Bits(request.histograms[histogram].value.sum),
                     request.histograms[histogram].ts_ms);
    }
    for (; exemplar < series.exemplars_end; ++exemplar) {
      const Exemplar& one = request.exemplars[exemplar];
      fmt::format_to(out, "  exemplar {} @{}\n", Bits(one.value), one.ts_ms);
      for (const auto& [name, value] : ReadLabelsV2(request, one.labels)) {
        text += std::string(name) + "=" + std::string(value) + "\n";
      }
    }
  }
  return text;
}

TEST(ParseV2, FindsWhatProtocolBuffersFinds) {
  size_t still_messages = 0;
  for (uint32_t seed = 0; seed < 10'000; ++seed) {
    RandomRequest random(seed);
    const std::string whole = InVersion2(random.Make()).SerializeAsString();
    const std::string bytes = seed % 2 == 0 ? whole : random.Damage(whole);
    leadline::test::v2::Request theirs;
    const bool they_take_it = theirs.ParseFromString(bytes);
    Request ours;
    const absl::Status status = ParseV2(bytes, ours);
    if (bytes == whole) {
      ASSERT_TRUE(status.ok()) << seed << ": " << status;
    }
    if (!they_take_it || !status.ok()) continue;
    bool has_start = false;
    for (const auto& series : theirs.timeseries()) {
      for (const auto& sample : series.samples()) has_start |= sample.start_timestamp() != 0;
      for (const auto& one : series.histograms()) has_start |= one.start_timestamp() != 0;
    }
    if (has_start) continue;  // it goes before the series' own
    still_messages += bytes != whole ? 1 : 0;
    ASSERT_EQ(ShowV2(ours), Show(theirs)) << seed;
  }
  EXPECT_GT(still_messages, 200);
}

}  // namespace
}  // namespace leadline::collector::remote::write
