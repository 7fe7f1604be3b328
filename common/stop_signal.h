// A descriptor that becomes readable when the program is asked to stop: SIGINT, SIGTERM, and
// SIGHUP, as of a terminal that closes, unless it is ignored, as under nohup. A program that takes
// SIGHUP for something else takes the signal and sees which it was.
//
// Made first of all in main: threads started later inherit the blocked signals, so that only this
// descriptor takes them.
#pragma once

#include "absl/status/statusor.h"

namespace leadline {

class StopSignal {
 public:
  static absl::StatusOr<StopSignal> Open();
  StopSignal(StopSignal&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  StopSignal& operator=(StopSignal&&) = delete;
  ~StopSignal();

  int fd() const { return fd_; }

  // The signal that has come to such a descriptor, so that it is no more readable; 0 where there is
  // none.
  static int Take(int fd);

 private:
  explicit StopSignal(int fd) : fd_(fd) {}

  int fd_;
};

}  // namespace leadline
