// Sockets on loopback for processes of a test, which end with abort() where one of them fails.
#pragma once

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

namespace leadline::testing {

inline void Require(bool ok, const char* what) {
  if (ok) return;
  std::perror(what);
  std::abort();
}

class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) { Require(fd >= 0, "socket"); }
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Socket() { Close(); }

  int fd() const { return fd_; }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

  void Set(int level, int option, int value) {
    Require(setsockopt(fd_, level, option, &value, sizeof(value)) == 0, "setsockopt");
  }
  // The next Close ends the connection with a reset.
  void ResetOnClose() {
    const linger now = {.l_onoff = 1, .l_linger = 0};
    Require(setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now)) == 0, "SO_LINGER");
  }

  // Everything that comes to it from now on is lost on the way, or no more.
  void Lose(bool all) {
    sock_filter drop = {.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = 0};
    const sock_fprog program = {.len = 1, .filter = &drop};
    const int option = all ? SO_ATTACH_FILTER : SO_DETACH_FILTER;
    Require(setsockopt(fd_, SOL_SOCKET, option, &program, sizeof(program)) == 0, "socket filter");
  }
  tcp_info Info() const {
    tcp_info info = {};
    socklen_t size = sizeof(info);
    Require(getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &info, &size) == 0, "TCP_INFO");
    return info;
  }
  void WaitAcknowledged() const {
    int bytes = 1;
    while (bytes != 0) Require(ioctl(fd_, SIOCOUTQ, &bytes) == 0, "SIOCOUTQ");
  }

  void Send(size_t bytes) const {
    const std::string data(bytes, 'x');
    for (size_t sent = 0; sent < bytes;) {
      const ssize_t n = send(fd_, data.data() + sent, bytes - sent, MSG_NOSIGNAL);
      Require(n > 0, "send");
      sent += static_cast<size_t>(n);
    }
  }
  void Receive(size_t bytes) const {
    std::string data(bytes, 0);
    Require(recv(fd_, data.data(), bytes, MSG_WAITALL) == static_cast<ssize_t>(bytes), "recv");
  }
  // Until the peer closes.
  void ReceiveAll() const {
    char data[4096];
    while (recv(fd_, data, sizeof(data), 0) > 0) {
    }
  }
  Socket Accept() const { return Socket(accept(fd_, nullptr, nullptr)); }

 private:
  int fd_ = -1;
};

class Address {
 public:
  // An IPv4 or IPv6 one.
  Address(const std::string& host, uint16_t port) {
    auto* v4 = reinterpret_cast<sockaddr_in*>(&storage_);
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage_);
    if (inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
      v4->sin_family = AF_INET;
      v4->sin_port = htons(port);
      size_ = sizeof(*v4);
    } else {
      Require(inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1, host.c_str());
      v6->sin6_family = AF_INET6;
      v6->sin6_port = htons(port);
      size_ = sizeof(*v6);
    }
  }
  int family() const { return storage_.ss_family; }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t size() const { return size_; }

 private:
  sockaddr_storage storage_ = {};
  socklen_t size_ = 0;
};

inline uint16_t PortOf(const Socket& socket) {
  sockaddr_storage bound = {};
  socklen_t size = sizeof(bound);
  Require(getsockname(socket.fd(), reinterpret_cast<sockaddr*>(&bound), &size) == 0, "getsockname");
  return ntohs(bound.ss_family == AF_INET ? reinterpret_cast<sockaddr_in*>(&bound)->sin_port
                                          : reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port);
}

// On a port that the kernel chooses, without one.
inline Socket Bind(const std::string& host, int type, uint16_t port = 0) {
  const Address address(host, port);
  Socket bound(socket(address.family(), type | SOCK_CLOEXEC, 0));
  Require(bind(bound.fd(), address.get(), address.size()) == 0, "bind");
  return bound;
}

inline Socket Listen(const std::string& host, int backlog = 128) {
  Socket listener = Bind(host, SOCK_STREAM);
  Require(listen(listener.fd(), backlog) == 0, "listen");
  return listener;
}

// The socket and errno, 0 for success.
inline std::pair<Socket, int> TryConnect(const std::string& host, uint16_t port, int type) {
  const Address address(host, port);
  Socket made(socket(address.family(), type | SOCK_CLOEXEC, 0));
  const bool connected = connect(made.fd(), address.get(), address.size()) == 0;
  const int error = connected ? 0 : errno;
  return {std::move(made), error};
}

inline Socket Connect(const std::string& host, uint16_t port, int type = SOCK_STREAM) {
  std::pair<Socket, int> made = TryConnect(host, port, type);
  errno = made.second;
  Require(made.second == 0, "connect");
  return std::move(made.first);
}

}  // namespace leadline::testing
