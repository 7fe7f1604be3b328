// A set of labels: names and values, sorted by name, each name once.
//
// A name with an empty value is the same as no label, as in Prometheus, and is not kept.
// A plain value; not synchronized.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace leadline {

// The label that holds a series' metric name, as in Prometheus.
inline constexpr std::string_view kMetricName = "__name__";

struct Label {
  std::string name;
  std::string value;

  auto operator<=>(const Label&) const = default;

  template <typename H>
  friend H AbslHashValue(H state, const Label& label) {
    return H::combine(std::move(state), label.name, label.value);
  }
};

// A label that lies elsewhere.
struct LabelView {
  std::string_view name;
  std::string_view value;

  auto operator<=>(const LabelView&) const = default;
};

class LabelSet {
 public:
  LabelSet() = default;
  LabelSet(std::initializer_list<Label> labels);
  explicit LabelSet(std::vector<Label> labels);  // any order; of equal names the last one counts

  // The value, or "" where there is no such label. Valid until the set changes.
  std::string_view Get(std::string_view name) const;
  void Set(std::string_view name, std::string_view value);
  void Remove(std::string_view name) { Set(name, ""); }

  bool empty() const { return labels_.empty(); }
  size_t size() const { return labels_.size(); }
  auto begin() const { return labels_.begin(); }
  auto end() const { return labels_.end(); }

  auto operator<=>(const LabelSet&) const = default;

  // {name="value", ...} as in PromQL, values (and names that are no identifiers) quoted and
  // escaped; "{}" when empty.
  std::string ToString() const;

  template <typename H>
  friend H AbslHashValue(H state, const LabelSet& set) {
    return H::combine(std::move(state), set.labels_);
  }

 private:
  std::vector<Label> labels_;
};

// Whether Prometheus 3 takes it as a label's name: any UTF-8 but nothing.
bool IsValidLabelName(std::string_view name);

// Whether PromQL takes it as a label's name without quotes.
bool IsIdentifier(std::string_view name);

// Escapes backslash, double quote and line feed, as in the Prometheus text format.
std::string EscapeLabelValue(std::string_view value);

// The name of the label that stands for a Kubernetes label in PromQL: "label_" and the key with
// every character but letters, digits and '_' replaced by '_', as kube-state-metrics has it.
std::string KubernetesLabelName(std::string_view key);

}  // namespace leadline
