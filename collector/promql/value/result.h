// What a query gives: a scalar, a string, a vector or a matrix, with what to tell the user.
//
// Plain values.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "collector/promql/value/sample.h"
#include "common/labels.h"

namespace leadline::collector::promql {

// Remarks on a query that do not keep it from being answered, in Prometheus' words, with line
// and column; each once.
struct Annotations {
  std::set<std::string> warnings;
  std::set<std::string> infos;

  void Add(Annotations other) {
    warnings.merge(other.warnings);
    infos.merge(other.infos);
  }
};

// Adds remarks about one part of a query, with its place: "… (1:6)".
class Remarker {
 public:
  // `to` must outlive it. `place` is line and column.
  Remarker(Annotations& to, std::string_view place)
      : to_(&to), suffix_(" (" + std::string(place) + ")") {}

  void Warn(std::string text) const { to_->warnings.insert(std::move(text) + suffix_); }
  void Inform(std::string text) const { to_->infos.insert(std::move(text) + suffix_); }

 private:
  Annotations* to_;
  std::string suffix_;
};

struct ResultSeries {
  LabelSet labels;
  // Floats and histograms, each in time order; a timestamp is in one of the two.
  std::vector<int64_t> ts_ms;
  std::vector<double> values;
  std::vector<int64_t> histogram_ts_ms;
  std::vector<std::shared_ptr<const Histogram>> histograms;
};

struct QueryResult {
  enum class Type { kScalar, kString, kVector, kMatrix };
  Type type = Type::kVector;
  int64_t ts_ms = 0;  // of a scalar or a string
  double scalar = 0;
  std::string string;
  // Of a vector or a matrix. A vector's series have one sample each. In order of labels, or of
  // the query where it asks for an order (topk).
  std::vector<ResultSeries> series;
  Annotations annotations;
};

}  // namespace leadline::collector::promql
