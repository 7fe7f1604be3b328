// A request of 200 bytes and an answer of 1 KiB over one TCP connection on loopback, between two
// threads on one CPU, as a small HTTP exchange is; and one that is HTTP, whose both ends are
// captured, parsed and counted as requests.
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <string_view>
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

// A message that begins with `head`.
template <typename Message>
Message MessageOf(std::string_view head) {
  Message message = {};
  std::copy(head.begin(), head.end(), message.begin());
  return message;
}

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
  PingPong(Fd client, Fd server, const Request& request, const Answer& answer)
      : client_(std::move(client)), request_(request), server_([fd = std::move(server), answer] {
          Request received = {};
          while (Receive(fd.get(), received) && Send(fd.get(), answer)) {
          }
        }) {}
  ~PingPong() override {
    client_.Reset();
    server_.join();
  }

  absl::Status Run(int operations) override {
    Answer answer = {};
    for (int i = 0; i < operations; ++i) {
      if (!Send(client_.get(), request_)) return CallError("send");
      if (!Receive(client_.get(), answer)) return CallError("recv");
    }
    return absl::OkStatus();
  }

 private:
  Fd client_;
  const Request request_;
  std::thread server_;
};

absl::StatusOr<std::unique_ptr<Workload>> MakeExchange(const Request& request,
                                                       const Answer& answer) {
  LL_ASSIGN_OR_RETURN(const Listener listener, Listen());
  LL_ASSIGN_OR_RETURN(Fd client, Connect(listener.address));
  LL_ASSIGN_OR_RETURN(Fd server, Accept(listener));
  const int on = 1;
  for (const Fd* fd : {&client, &server}) {
    if (setsockopt(fd->get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0) {
      return CallError("setsockopt");
    }
  }
  return std::make_unique<PingPong>(std::move(client), std::move(server), request, answer);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Workload>> MakePingPong() { return MakeExchange({}, {}); }

absl::StatusOr<std::unique_ptr<Workload>> MakeHttp() {
  // Heads that make them as long as those of MakePingPong; the rest is body.
  return MakeExchange(MessageOf<Request>("POST /users/17/orders HTTP/1.1\r\nHost: shop\r\n"
                                         "Accept: */*\r\nContent-Length: 120\r\n\r\n"),
                      MessageOf<Answer>("HTTP/1.1 200 OK\r\nServer: shop\r\n"
                                        "Content-Type: text/plain\r\nContent-Length: 944\r\n\r\n"));
}

}  // namespace leadline::bench
