// TCP traffic of a known size between pods.
//
//   tcp --serve PORT --result FILE     reads whatever comes, answers one byte a connection
//   tcp --to HOST:PORT --bytes N [--connections C] --result FILE
//                                      sends N bytes over each of C connections, one after the
//                                      other, waits for the answers, then for SIGTERM
//   tcp --to HOST:PORT --rate N --result FILE
//                                      sends N bytes a second over one connection until SIGTERM
//   tcp --refused HOST:PORT --connections C --result FILE
//                                      tries C times to connect where nobody listens, waits for
//                                      SIGTERM
//
// A client waits for its server to listen. result: count = payload bytes received (server) or sent
// (client), second = connections, or those that were refused.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>

#include "address.h"
#include "result.h"

static void on_term(int signal_number) {
  (void)signal_number;
  _exit(0);
}

static void serve(uint16_t port, struct result* result) {
  const int listener = bind_to(SOCK_STREAM, port);
  if (listen(listener, 16) != 0) fail("tcp: listen");
  result_start(result);
  static char buffer[65536];
  for (;;) {
    const int connection = accept(listener, NULL, NULL);
    if (connection < 0) fail("tcp: accept");
    ssize_t n;
    while ((n = read(connection, buffer, sizeof buffer)) > 0) result->count += (uint64_t)n;
    ++result->second;
    if (write(connection, "k", 1) != 1) perror("tcp: answer");
    close(connection);
  }
}

static int connect_to(const char* target) {
  const struct sockaddr_in address = address_of(target);
  for (;;) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (const struct sockaddr*)&address, sizeof address) == 0) return fd;
    if (errno != ECONNREFUSED && errno != EHOSTUNREACH) fail(target);
    close(fd);
    const struct timespec retry = {0, 20 * 1000 * 1000};
    nanosleep(&retry, NULL);
  }
}

// Until `total` bytes were sent by this and earlier calls.
static void send_until(int fd, uint64_t total, struct result* result) {
  static char buffer[16384];
  while (result->count < total) {
    const uint64_t left = total - result->count;
    const ssize_t n = write(fd, buffer, left < sizeof buffer ? left : sizeof buffer);
    if (n < 0) fail("tcp: write");
    result->count += (uint64_t)n;
  }
}

static void send_bytes(const char* target, uint64_t bytes, uint64_t connections,
                       struct result* result) {
  while (result->second < connections) {
    const int fd = connect_to(target);
    if (result->started_ns == 0) result_start(result);
    send_until(fd, bytes * (result->second + 1), result);
    shutdown(fd, SHUT_WR);
    char answer;
    if (read(fd, &answer, 1) != 1) fail("tcp: no answer");
    ++result->second;
    close(fd);
  }
  result_finish(result);
  for (;;) pause();
}

static void be_refused(const char* target, uint64_t tries, struct result* result) {
  const struct sockaddr_in address = address_of(target);
  result_start(result);
  while (result->second < tries) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (const struct sockaddr*)&address, sizeof address) == 0) fail("tcp: not refused");
    if (errno != ECONNREFUSED) fail(target);
    ++result->second;
    close(fd);
  }
  result_finish(result);
  for (;;) pause();
}

static void send_steadily(const char* target, uint64_t bytes_per_s, struct result* result) {
  const int fd = connect_to(target);
  result_start(result);
  const uint64_t begin = now_ns(CLOCK_MONOTONIC);
  const struct timespec tick = {0, 20 * 1000 * 1000};
  for (;;) {
    const uint64_t due =
        (uint64_t)((double)(now_ns(CLOCK_MONOTONIC) - begin) / 1e9 * (double)bytes_per_s);
    send_until(fd, due, result);
    nanosleep(&tick, NULL);
  }
}

int main(int argc, char** argv) {
  signal(SIGTERM, on_term);
  struct result* result = result_open(option(argc, argv, "--result", "/results/tcp"));
  const char* port = option(argc, argv, "--serve", NULL);
  if (port != NULL) serve((uint16_t)atoi(port), result);
  const uint64_t rate = strtoull(option(argc, argv, "--rate", "0"), NULL, 10);
  const uint64_t connections = strtoull(option(argc, argv, "--connections", "1"), NULL, 10);
  const char* nobody = option(argc, argv, "--refused", NULL);
  if (nobody != NULL) be_refused(nobody, connections, result);
  const char* target = option(argc, argv, "--to", "");
  if (rate > 0) send_steadily(target, rate, result);
  send_bytes(target, strtoull(option(argc, argv, "--bytes", "0"), NULL, 10), connections, result);
  return 0;
}
