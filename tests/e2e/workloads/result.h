// Where a workload writes what it did: a file of 64-bit little-endian words that is mapped, so that
// a reader sees each step and writing it takes no system call.
#pragma once

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct result {
  volatile uint64_t count;        // what the workload counts: calls, bytes, nanoseconds
  volatile uint64_t second;       // a second figure, where there is one
  volatile uint64_t started_ns;   // CLOCK_REALTIME; 0 until the workload is at work
  volatile uint64_t finished_ns;  // 0 until the counts are final
};

static inline uint64_t now_ns(clockid_t clock) {
  struct timespec t;
  clock_gettime(clock, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline struct result* result_open(const char* path) {
  const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0 || ftruncate(fd, sizeof(struct result)) != 0) {
    perror(path);
    exit(1);
  }
  void* at = mmap(NULL, sizeof(struct result), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (at == MAP_FAILED) {
    perror(path);
    exit(1);
  }
  close(fd);
  memset(at, 0, sizeof(struct result));
  return at;
}

static inline void result_start(struct result* r) { r->started_ns = now_ns(CLOCK_REALTIME); }
static inline void result_finish(struct result* r) { r->finished_ns = now_ns(CLOCK_REALTIME); }

// The value after `name` in argv, or `fallback`.
static inline const char* option(int argc, char** argv, const char* name, const char* fallback) {
  for (int i = 1; i + 1 < argc; ++i) {
    if (strcmp(argv[i], name) == 0) return argv[i + 1];
  }
  return fallback;
}

static inline int has_flag(int argc, char** argv, const char* name) {
  for (int i = 1; i < argc; ++i) {
    if (strcmp(argv[i], name) == 0) return 1;
  }
  return 0;
}
