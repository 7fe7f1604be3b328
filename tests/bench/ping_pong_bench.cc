// A request of 200 bytes and an answer of 1 KiB over one TCP connection on loopback, between two
// threads on one CPU, as a small HTTP exchange is.
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <thread>
#include <utility>

#include "common/status_macros.h"
#include "tests/bench/call_error.h"
#include "tests/bench/loopback.h"
#include "tests/bench/probe_benches.h"

namespace leadline::bench {
namespace {

using Request = std::array<char, 200>;
using Answer = std::array<char, 1024>;

template <typename Message>
bool Receive(int fd, Message& message) {
  return recv(fd, message.data(), message.size(), MSG_WAITALL) ==
         static_cast<ssize_t>(message.size());
}
template <typename Message>
bool Send(int fd, const Message& message) {
  return send(fd, message.data(), message.size(), MSG_NOSIGNAL) ==
         static_cast<ssize_t>(message.size());
}

class PingPong final : public Workload {
 public:
  PingPong(Fd client, Fd server)
      : client_(std::move(client)), server_([fd = std::move(server)] {
          Request request = {};
          const Answer answer = {};
          while (Receive(fd.get(), request) && Send(fd.get(), answer)) {
          }
        }) {}
  ~PingPong() override {
    client_.Reset();
    server_.join();
  }

  absl::Status Run(int operations) override {
    const Request request = {};
    Answer answer = {};
    for (int i = 0; i < operations; ++i) {
      if (!Send(client_.get(), request)) return CallError("send");
      if (!Receive(client_.get(), answer)) return CallError("recv");
    }
    return absl::OkStatus();
  }

 private:
  Fd client_;
  std::thread server_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Workload>> MakePingPong() {
  LL_ASSIGN_OR_RETURN(const Listener listener, Listen());
  LL_ASSIGN_OR_RETURN(Fd client, Connect(listener.address));
  LL_ASSIGN_OR_RETURN(Fd server, Accept(listener));
  const int on = 1;
  for (const Fd* fd : {&client, &server}) {
    if (setsockopt(fd->get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0) {
      return CallError("setsockopt");
    }
  }
  return std::make_unique<PingPong>(std::move(client), std::move(server));
}

}  // namespace leadline::bench
