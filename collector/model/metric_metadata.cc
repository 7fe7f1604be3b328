#include "collector/model/metric_metadata.h"

#include <utility>

#include "catalogue/metrics.h"

namespace leadline::collector::model {
namespace {

// Not within a character.
void CutText(std::string& text) {
  if (text.size() <= MetricMetadata::kMaxTextBytes) return;
  size_t end = MetricMetadata::kMaxTextBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  text.resize(end);
}

}  // namespace

bool MetricMetadata::Set(std::string_view tenant, std::string_view metric, Entry entry) {
  CutText(entry.help);
  CutText(entry.unit);
  MutexLock lock(mutex_);
  auto own = tenants_.find(tenant);
  if (own == tenants_.end()) own = tenants_.emplace(std::string(tenant), Entries()).first;
  Entries& entries = own->second;
  if (const auto known = entries.find(metric); known != entries.end()) {
    known->second = std::move(entry);
    return true;
  }
  if (entries.size() >= kMaxMetrics) return false;
  entries.emplace(std::string(metric), std::move(entry));
  return true;
}

MetricMetadata::Entries MetricMetadata::Get(std::string_view tenant,
                                            std::string_view metric) const {
  MutexLock lock(mutex_);
  const auto own = tenants_.find(tenant);
  if (own == tenants_.end()) return {};
  if (metric.empty()) return own->second;
  const auto known = own->second.find(metric);
  return known == own->second.end() ? Entries() : Entries{*known};
}

MetricMetadata::Entries CatalogueMetadata(std::string_view metric) {
  MetricMetadata::Entries entries;
  for (const catalogue::MetricInfo& info : catalogue::Metrics()) {
    if (!metric.empty() && info.name != metric) continue;
    entries.emplace(info.name,
                    MetricMetadata::Entry{.type = std::string(catalogue::MetricTypeName(info.type)),
                                          .help = std::string(info.help),
                                          .unit = info.unit == "1" ? "" : std::string(info.unit)});
  }
  return entries;
}

}  // namespace leadline::collector::model
