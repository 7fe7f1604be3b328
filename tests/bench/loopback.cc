#include "tests/bench/loopback.h"

#include <sys/socket.h>

#include "tests/bench/call_error.h"

namespace leadline::bench {

absl::StatusOr<Listener> Listen() {
  Listener listener;
  listener.fd = Fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  listener.address.sin_family = AF_INET;
  listener.address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof(listener.address);
  auto* address = reinterpret_cast<sockaddr*>(&listener.address);
  if (!listener.fd.is_open()) return CallError("socket");
  if (bind(listener.fd.get(), address, length) != 0) return CallError("bind");
  if (getsockname(listener.fd.get(), address, &length) != 0) return CallError("getsockname");
  if (listen(listener.fd.get(), SOMAXCONN) != 0) return CallError("listen");
  return listener;
}

absl::StatusOr<Fd> Connect(const sockaddr_in& address) {
  Fd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.is_open()) return CallError("socket");
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    return CallError("connect");
  }
  return fd;
}

absl::StatusOr<Fd> Accept(const Listener& listener) {
  Fd fd(accept4(listener.fd.get(), nullptr, nullptr, SOCK_CLOEXEC));
  if (!fd.is_open()) return CallError("accept");
  return fd;
}

}  // namespace leadline::bench
