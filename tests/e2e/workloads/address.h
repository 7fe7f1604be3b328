// HOST:PORT, as the workloads are told whom to talk to.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static inline void fail(const char* what) {
  perror(what);
  exit(1);
}

// HOST is an IPv4 address.
static inline struct sockaddr_in address_of(const char* target) {
  char host[64];
  const char* colon = strrchr(target, ':');
  if (colon == NULL || (size_t)(colon - target) >= sizeof host) fail(target);
  memcpy(host, target, (size_t)(colon - target));
  host[colon - target] = 0;
  struct sockaddr_in address = {.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)atoi(colon + 1))};
  if (inet_pton(AF_INET, host, &address.sin_addr) != 1) fail(target);
  return address;
}

// A socket of `type` that is bound to a port of every interface.
static inline int bind_to(int type, uint16_t port) {
  const int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
  if (bind(fd, (const struct sockaddr*)&address, sizeof address) != 0) fail("bind");
  return fd;
}
