// A stop that can be waited for together with other descriptors.
//
// Thread-safe. Once set it stays set.
#pragma once

namespace leadline::kube {

class StopEvent {
 public:
  StopEvent();  // without a descriptor left for it, fd() is -1
  ~StopEvent();
  StopEvent(const StopEvent&) = delete;
  StopEvent& operator=(const StopEvent&) = delete;

  void Set();
  bool IsSet() const;
  // Readable from Set on; not to be read.
  int fd() const { return fd_; }

 private:
  const int fd_;
};

}  // namespace leadline::kube
