// UDP traffic of a known size between pods.
//
//   udp --serve PORT --result FILE     answers a byte to each datagram
//   udp --to HOST:PORT --bytes N --datagrams D --result FILE
//                                      sends D datagrams of N bytes over one connected socket, each
//                                      after the answer to the one before, then waits for SIGTERM
//
// The server has to be there before its clients. result: count = payload bytes received (server) or
// sent (client), second = datagrams.
#define _GNU_SOURCE
#include <signal.h>

#include "address.h"
#include "result.h"

static char buffer[65536];

static void on_term(int signal_number) {
  (void)signal_number;
  _exit(0);
}

static void serve(uint16_t port, struct result* result) {
  const int fd = bind_to(SOCK_DGRAM, port);
  result_start(result);
  for (;;) {
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    const ssize_t n = recvfrom(fd, buffer, sizeof buffer, 0, (struct sockaddr*)&from, &size);
    if (n < 0) fail("udp: recvfrom");
    result->count += (uint64_t)n;
    ++result->second;
    if (sendto(fd, "k", 1, 0, (const struct sockaddr*)&from, size) != 1) fail("udp: answer");
  }
}

static void send_datagrams(const char* target, size_t bytes, uint64_t datagrams,
                           struct result* result) {
  const struct sockaddr_in address = address_of(target);
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (connect(fd, (const struct sockaddr*)&address, sizeof address) != 0) fail("udp: connect");
  if (bytes > sizeof buffer) fail("udp: --bytes");
  result_start(result);
  while (result->second < datagrams) {
    char answer;
    if (send(fd, buffer, bytes, 0) != (ssize_t)bytes) fail("udp: send");
    if (recv(fd, &answer, 1, 0) != 1) fail("udp: no answer");
    result->count += bytes;
    ++result->second;
  }
  result_finish(result);
  for (;;) pause();
}

int main(int argc, char** argv) {
  signal(SIGTERM, on_term);
  struct result* result = result_open(option(argc, argv, "--result", "/results/udp"));
  const char* port = option(argc, argv, "--serve", NULL);
  if (port != NULL) serve((uint16_t)atoi(port), result);
  send_datagrams(option(argc, argv, "--to", ""),
                 strtoul(option(argc, argv, "--bytes", "1"), NULL, 10),
                 strtoull(option(argc, argv, "--datagrams", "1"), NULL, 10), result);
  return 0;
}
