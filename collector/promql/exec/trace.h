// What each part of a query took: time, series, what was read. Kept where a query is explained.
//
// The query's thread is at one node of the tree at a time: its time is that node's own. What
// workers do for a selector is counted apart, and may overlap with it.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"

#include "collector/promql/parse/ast.h"
#include "collector/store/store.h"
#include "common/clock.h"

namespace leadline::collector::promql::exec {

class Trace {
 public:
  struct Node {
    uint64_t evaluations = 0;
    uint64_t series = 0;  // that it gave
    absl::Duration own_time;
    // Of a selector.
    int64_t start_ms = 0;  // what it read, of its last evaluation
    int64_t end_ms = 0;
    store::ReadCounts read;
    std::atomic<int64_t> find_ns = 0;  // looking up, in the index and by labels
    std::atomic<int64_t> read_ns = 0;  // reading and decoding, by all threads
    std::atomic<int64_t> make_ns = 0;  // making values at steps of samples, by all threads
  };

  // The query's thread is at the node for as long as it lives; the trace may be nullptr.
  class At {
   public:
    At(Trace* trace, const parse::Expr* expr) : trace_(trace) {
      if (trace_ != nullptr) before_ = trace_->MoveTo(&trace_->Of(*expr));
    }
    At(Trace* trace, Node* node) : trace_(trace) {
      if (trace_ != nullptr) before_ = trace_->MoveTo(node);
    }
    ~At() {
      if (trace_ != nullptr) trace_->MoveTo(before_);
    }
    At(const At&) = delete;
    At& operator=(const At&) = delete;

    Node* before() const { return before_; }

   private:
    Trace* trace_;
    Node* before_ = nullptr;
  };

  // To be called by the query's thread. The node stays where it is.
  Node& Of(const parse::Expr& expr) {
    std::unique_ptr<Node>& node = nodes_[&expr];
    if (node == nullptr) node = std::make_unique<Node>();
    return *node;
  }
  // nullptr where the query did not come there.
  const Node* Find(const parse::Expr& expr) const {
    const auto it = nodes_.find(&expr);
    return it == nodes_.end() ? nullptr : it->second.get();
  }
  // By all selectors.
  uint64_t samples_read() const {
    uint64_t samples = 0;
    for (const auto& [expr, node] : nodes_) samples += node->read.samples;
    return samples;
  }

 private:
  Node* MoveTo(Node* node) {
    const absl::Time now = SteadyNow();
    if (now_at_ != nullptr) now_at_->own_time += now - since_;
    since_ = now;
    return std::exchange(now_at_, node);
  }

  absl::flat_hash_map<const parse::Expr*, std::unique_ptr<Node>> nodes_;
  Node* now_at_ = nullptr;
  absl::Time since_;
};

// Adds the time of the scope to `into` and takes it from `from`; each may be nullptr.
class TimeInto {
 public:
  explicit TimeInto(std::atomic<int64_t>* into, std::atomic<int64_t>* from = nullptr)
      : into_(into), from_(from) {
    if (into_ != nullptr) start_ = SteadyNow();
  }
  ~TimeInto() {
    if (into_ == nullptr) return;
    const int64_t ns = absl::ToInt64Nanoseconds(SteadyNow() - start_);
    into_->fetch_add(ns, std::memory_order_relaxed);
    if (from_ != nullptr) from_->fetch_sub(ns, std::memory_order_relaxed);
  }
  TimeInto(const TimeInto&) = delete;
  TimeInto& operator=(const TimeInto&) = delete;

 private:
  std::atomic<int64_t>* into_;
  std::atomic<int64_t>* from_;
  absl::Time start_;
};

}  // namespace leadline::collector::promql::exec
