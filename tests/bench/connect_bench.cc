// TCP connections on loopback that carry nothing: connect, accept, close by either side, between
// two threads on one CPU.
#include <sys/socket.h>

#include <thread>
#include <utility>

#include "common/status_macros.h"
#include "tests/bench/call_error.h"
#include "tests/bench/loopback.h"
#include "tests/bench/probe_benches.h"

namespace leadline::bench {
namespace {

class ConnectChurn final : public Workload {
 public:
  explicit ConnectChurn(Listener listener)
      : listener_(std::move(listener)), server_([this] {
          // The server closes first, so that no port of the client is kept for a minute.
          while (Accept(listener_).ok()) {
          }
        }) {}
  ~ConnectChurn() override {
    shutdown(listener_.fd.get(), SHUT_RDWR);
    server_.join();
  }

  absl::Status Run(int operations) override {
    for (int i = 0; i < operations; ++i) {
      LL_ASSIGN_OR_RETURN(const Fd client, Connect(listener_.address));
      char byte = 0;
      if (recv(client.get(), &byte, 1, 0) != 0) return CallError("recv");
    }
    return absl::OkStatus();
  }

 private:
  const Listener listener_;
  std::thread server_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Workload>> MakeConnectChurn() {
  LL_ASSIGN_OR_RETURN(Listener listener, Listen());
  return std::make_unique<ConnectChurn>(std::move(listener));
}

}  // namespace leadline::bench
