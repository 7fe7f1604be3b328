// A descriptor that becomes readable when the program is asked to stop: SIGINT, SIGTERM, and
// SIGHUP, as of a terminal that closes, unless it is ignored, as under nohup.
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

 private:
  explicit StopSignal(int fd) : fd_(fd) {}

  int fd_;
};

}  // namespace leadline
