// What the agent does on this machine, what it leaves out, why, and what would change that.
//
//   leadline_agent_feature_enabled{feature}   1, or 0 for what is off
//
// Filled at start by one thread; not synchronized.
#pragma once

#include <string>
#include <vector>

namespace prometheus {
class Registry;
}

namespace leadline::agent {

struct Feature {
  std::string name;   // as a metric's label
  std::string gives;  // what is not there without it
  bool enabled = true;
  std::string problem;  // why it is off, or on only in part; "" when it is whole
  std::string mend;     // "" where nothing helps
};

class FeatureReport {
 public:
  void Add(Feature feature) { features_.push_back(std::move(feature)); }

  const std::vector<Feature>& features() const { return features_; }
  // As a table for people, several lines.
  std::string ToText() const;
  // One line for each reason: what is off by it, and what would mend it.
  void Log() const;
  void Export(prometheus::Registry& registry) const;

 private:
  std::vector<Feature> features_;
};

}  // namespace leadline::agent
