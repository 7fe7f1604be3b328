#include "tcp_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

namespace leadline::collector::ingest {
namespace {

sockaddr_in Loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

void Check(bool ok) {
  if (!ok) std::abort();
}

}  // namespace

TcpProxy::TcpProxy() {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof(address);
  Check(bind(listener_, reinterpret_cast<sockaddr*>(&address), size) == 0);
  Check(listen(listener_, 16) == 0);
  Check(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  Check(pipe(wake_) == 0);
  port_ = ntohs(address.sin_port);
  thread_ = std::thread(&TcpProxy::Run, this);
}

TcpProxy::~TcpProxy() {
  stop_ = true;
  Wake();
  thread_.join();
  close(listener_);
  close(wake_[0]);
  close(wake_[1]);
}

void TcpProxy::SetTarget(int port) { target_port_ = port; }

void TcpProxy::Cut() { Ask(cuts_); }

void TcpProxy::Abandon() { Ask(abandons_); }

void TcpProxy::Ask(std::atomic<int>& wish) {
  const int done = breaks_done_;
  ++wish;
  Wake();
  while (breaks_done_ == done) std::this_thread::yield();
}

void TcpProxy::Wake() { Check(write(wake_[1], "w", 1) == 1); }

void TcpProxy::Accept() {
  const int client = accept(listener_, nullptr, nullptr);
  if (client < 0) return;
  const int target = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(target_port_);
  if (target_port_ == 0 ||
      connect(target, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    close(client);
    close(target);
    return;
  }
  links_.push_back({client, target});
}

bool TcpProxy::Forward(int from, int to, bool swallow) {
  char buffer[16 << 10];
  const ssize_t size = recv(from, buffer, sizeof(buffer), 0);
  if (size <= 0) return false;
  if (swallow) return true;
  for (ssize_t sent = 0; sent < size;) {
    const ssize_t n = send(to, buffer + sent, static_cast<size_t>(size - sent), MSG_NOSIGNAL);
    if (n <= 0) return false;
    sent += n;
  }
  return true;
}

void TcpProxy::Break() {
  const bool abandon = abandons_ > 0;
  for (Link& link : links_) {
    close(link.client);
    if (abandon) {
      abandoned_.push_back(link.target);
    } else {
      close(link.target);
    }
  }
  links_.clear();
  cuts_ = abandons_ = 0;
  ++breaks_done_;
}

void TcpProxy::Run() {
  while (!stop_) {
    std::vector<pollfd> polled = {{wake_[0], POLLIN, 0}, {listener_, POLLIN, 0}};
    for (const Link& link : links_) {
      polled.push_back({link.client, POLLIN, 0});
      polled.push_back({link.target, POLLIN, 0});
    }
    Check(poll(polled.data(), polled.size(), -1) >= 0);
    for (size_t i = 2; i < polled.size(); i += 2) {
      Link& link = links_[(i - 2) / 2];
      const bool ok = (polled[i].revents == 0 || Forward(link.client, link.target, false)) &&
                      (polled[i + 1].revents == 0 || Forward(link.target, link.client, swallow_));
      if (ok) continue;
      close(link.client);
      close(link.target);
      link.client = -1;
    }
    std::erase_if(links_, [](const Link& link) { return link.client < 0; });
    if (polled[1].revents != 0) Accept();
    if (polled[0].revents != 0) {
      char byte;
      Check(read(wake_[0], &byte, 1) == 1);
    }
    if (cuts_ > 0 || abandons_ > 0) Break();
  }
  Break();
  for (int target : abandoned_) close(target);
}

}  // namespace leadline::collector::ingest
