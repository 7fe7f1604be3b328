// TCP traffic of a known size between pods.
//
//   tcp --serve PORT --result FILE                    reads whatever comes, answers one byte a
//   connection tcp --to HOST:PORT --bytes N --result FILE        sends N bytes, waits for the
//   answer, then for SIGTERM
//
// The client waits for its server to listen. result: count = payload bytes received (server) or
// sent (client), second = connections.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>

#include "result.h"

static void on_term(int signal_number) {
  (void)signal_number;
  _exit(0);
}

static void fail(const char* what) {
  perror(what);
  exit(1);
}

static void serve(uint16_t port, struct result* result) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  if (bind(listener, (const struct sockaddr*)&address, sizeof address) != 0) fail("tcp: bind");
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
  char host[64];
  const char* colon = strrchr(target, ':');
  if (colon == NULL || (size_t)(colon - target) >= sizeof host) fail(target);
  memcpy(host, target, (size_t)(colon - target));
  host[colon - target] = 0;
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)atoi(colon + 1))};
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1) fail(target);
  for (;;) {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (const struct sockaddr*)&address, sizeof address) == 0) return fd;
    if (errno != ECONNREFUSED && errno != EHOSTUNREACH) fail(target);
    close(fd);
    const struct timespec retry = {0, 20 * 1000 * 1000};
    nanosleep(&retry, NULL);
  }
}

static void send_bytes(const char* target, uint64_t bytes, struct result* result) {
  const int fd = connect_to(target);
  result_start(result);
  static char buffer[16384];
  while (result->count < bytes) {
    const uint64_t left = bytes - result->count;
    const ssize_t n = write(fd, buffer, left < sizeof buffer ? left : sizeof buffer);
    if (n < 0) fail("tcp: write");
    result->count += (uint64_t)n;
  }
  shutdown(fd, SHUT_WR);
  char answer;
  if (read(fd, &answer, 1) != 1) fail("tcp: no answer");
  result->second = 1;
  result_finish(result);
  close(fd);
  for (;;) pause();
}

static void send_steadily(const char* target, uint64_t bytes_per_s, struct result* result) {
  static char buffer[16384];
  const int fd = connect_to(target);
  result_start(result);
  const uint64_t begin = now_ns(CLOCK_MONOTONIC);
  const struct timespec tick = {0, 20 * 1000 * 1000};
  for (;;) {
    const uint64_t due =
        (uint64_t)((double)(now_ns(CLOCK_MONOTONIC) - begin) / 1e9 * (double)bytes_per_s);
    while (result->count < due) {
      const uint64_t left = due - result->count;
      const ssize_t n = write(fd, buffer, left < sizeof buffer ? left : sizeof buffer);
      if (n < 0) fail("tcp: write");
      result->count += (uint64_t)n;
    }
    nanosleep(&tick, NULL);
  }
}

int main(int argc, char** argv) {
  signal(SIGTERM, on_term);
  struct result* result = result_open(option(argc, argv, "--result", "/results/tcp"));
  const char* port = option(argc, argv, "--serve", NULL);
  if (port != NULL) serve((uint16_t)atoi(port), result);
  const uint64_t rate = strtoull(option(argc, argv, "--rate", "0"), NULL, 10);
  if (rate > 0) send_steadily(option(argc, argv, "--to", ""), rate, result);
  send_bytes(option(argc, argv, "--to", ""), strtoull(option(argc, argv, "--bytes", "0"), NULL, 10),
             result);
  return 0;
}
