#include "kube/stop_event.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace leadline::kube {

StopEvent::StopEvent() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

StopEvent::~StopEvent() {
  if (fd_ >= 0) close(fd_);
}

void StopEvent::Set() { eventfd_write(fd_, 1); }

bool StopEvent::IsSet() const {
  pollfd one{.fd = fd_, .events = POLLIN, .revents = 0};
  return poll(&one, 1, 0) > 0;
}

}  // namespace leadline::kube
