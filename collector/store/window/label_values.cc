#include "collector/store/window/label_values.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace leadline::collector::store::window {
namespace {

bool IsWithin(const TimeSpan& inner, const TimeSpan& outer) {
  return outer.first_ms <= inner.first_ms && inner.last_ms <= outer.last_ms;
}

}  // namespace

void LabelValue::Add(const TimeSpan& span) {
  for (const TimeSpan& known : spans) {
    if (IsWithin(span, known)) return;
  }
  spans.erase(std::remove_if(spans.begin(), spans.end(),
                             [&](const TimeSpan& known) { return IsWithin(known, span); }),
              spans.end());
  spans.push_back(span);
}

void AddVersions(const VersionLabels& versions, StringMap<LabelValue>& values) {
  for (size_t i = 0; i < versions.size(); ++i) {
    if (versions[i].value.empty()) continue;
    TimeSpan span{.last_ms = versions.back().end_ms};
    if (i > 0) span.first_ms = versions[i].valid_from_ms;
    if (i + 1 < versions.size()) {
      span.last_ms = std::min(span.last_ms, versions[i + 1].valid_from_ms - 1);
    }
    auto value = values.find(versions[i].value);
    if (value == values.end()) {
      value = values.emplace(std::string(versions[i].value), LabelValue()).first;
    }
    value->second.Add(span);
  }
}

std::vector<LabelValue> InOrder(StringMap<LabelValue> values) {
  std::vector<LabelValue> list;
  list.reserve(values.size());
  for (auto& [text, value] : values) {
    value.value = text;
    list.push_back(std::move(value));
  }
  std::sort(list.begin(), list.end(),
            [](const LabelValue& a, const LabelValue& b) { return a.value < b.value; });
  return list;
}

std::vector<LabelValue> Union(std::vector<LabelValue> a, std::vector<LabelValue> b) {
  if (a.empty()) return b;
  if (b.empty()) return a;
  std::vector<LabelValue> both;
  both.reserve(a.size() + b.size());
  auto other = b.begin();
  for (LabelValue& value : a) {
    for (; other != b.end() && other->value < value.value; ++other) {
      both.push_back(std::move(*other));
    }
    both.push_back(std::move(value));
    if (other != b.end() && other->value == both.back().value) {
      both.back().of_series |= other->of_series;
      for (const TimeSpan& span : other->spans) both.back().Add(span);
      ++other;
    }
  }
  both.insert(both.end(), std::make_move_iterator(other), std::make_move_iterator(b.end()));
  return both;
}

LabelValueList::LabelValueList(const std::vector<LabelValue>& values) {
  size_t text_bytes = 0;
  for (const LabelValue& value : values) text_bytes += value.value.size();
  text_.reserve(text_bytes);
  ends_.reserve(values.size());
  for (const LabelValue& value : values) {
    text_ += value.value;
    if (!value.of_series) spans_.insert(spans_.end(), value.spans.begin(), value.spans.end());
    ends_.push_back({text_.size(), spans_.size()});
  }
  spans_.shrink_to_fit();
}

}  // namespace leadline::collector::store::window
