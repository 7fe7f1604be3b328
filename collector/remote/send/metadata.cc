#include "collector/remote/send/metadata.h"

#include "collector/remote/wire/writer.h"
#include "collector/remote/write/metric_type.h"

namespace leadline::collector::remote::send {
namespace {

constexpr uint32_t kRequestMetadata = 3;
constexpr uint32_t kMetadataType = 1;
constexpr uint32_t kMetadataFamily = 2;
constexpr uint32_t kMetadataHelp = 4;
constexpr uint32_t kMetadataUnit = 5;

}  // namespace

std::vector<MetadataMessage> MetadataMessages(const model::MetricMetadata::Entries& entries) {
  std::vector<MetadataMessage> messages;
  std::string one;
  for (const auto& [metric, entry] : entries) {
    if (messages.empty() || messages.back().metrics == kMaxMetricsPerMessage) {
      messages.emplace_back();
    }
    one.clear();
    wire::AppendNumber(kMetadataType, static_cast<uint64_t>(write::MetricTypeNamed(entry.type)),
                       one);
    wire::AppendBytes(kMetadataFamily, metric, one);
    if (!entry.help.empty()) wire::AppendBytes(kMetadataHelp, entry.help, one);
    if (!entry.unit.empty()) wire::AppendBytes(kMetadataUnit, entry.unit, one);
    wire::AppendBytes(kRequestMetadata, one, messages.back().bytes);
    ++messages.back().metrics;
  }
  return messages;
}

}  // namespace leadline::collector::remote::send
