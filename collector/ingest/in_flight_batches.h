// The batches of one session that the store has and has not answered for, in the order of their
// sequences.
//
// The store may answer out of order; what is reported onwards is a prefix. Not synchronized.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

namespace leadline::collector::ingest {

class InFlightBatches {
 public:
  struct Batch {
    uint64_t sequence = 0;
    size_t bytes = 0;
    int64_t received_mono_ns = 0;
  };

  // REQUIRES: a sequence above those that are here.
  void Add(const Batch& batch);

  // The store has answered for it, whatever it said.
  void Answer(uint64_t sequence);

  // Takes the oldest batch out, if it is answered.
  std::optional<Batch> TakeAnswered();

  bool empty() const { return batches_.empty(); }
  size_t count() const { return batches_.size(); }
  size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    Batch batch;
    bool answered = false;
  };

  std::deque<Entry> batches_;
  size_t bytes_ = 0;
};

}  // namespace leadline::collector::ingest
