// Makes a rare system call a known number of times, and nothing else once it is at work.
//
//   calls --call NAME --result FILE [--count N | --rate N_PER_SECOND [--for MS]] [--hold] [--list]
//
// --count N  makes exactly N calls; --rate makes them evenly until SIGTERM or for MS milliseconds
//            (then as many as are due by then, however busy the machine is).
// --hold     stays, doing nothing, until SIGTERM after the last call.
// NAME       a row of the table below; with ":i386" after it the call is made through int 0x80.
//
// The calls are ones that neither the container runtimes nor the C library make on the way to
// main(), so a container's count of them is this program's alone; some always fail, with a known
// errno, which is checked. result: count = calls made, second = those that failed.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "result.h"

struct call {
  const char* name;
  long number;
  long args[3];
  int want_errno;   // 0: must succeed
  int i386_number;  // 0: not offered
};

static char buffer[64];

#define BUFFER ((long)buffer)
static const struct call kCalls[] = {
    {"getpriority", SYS_getpriority, {0, 0, 0}, 0, 96},
    {"sched_rr_get_interval", SYS_sched_rr_get_interval, {0, BUFFER, 0}, 0, 0},
    {"sched_get_priority_max", SYS_sched_get_priority_max, {1, 0, 0}, 0, 159},
    {"sched_get_priority_min", SYS_sched_get_priority_min, {1, 0, 0}, 0, 160},
    {"ioprio_get", SYS_ioprio_get, {1, 0, 0}, 0, 290},
    {"getitimer", SYS_getitimer, {0, BUFFER, 0}, 0, 0},
    {"times", SYS_times, {0, 0, 0}, 0, 0},
    {"getpgrp", SYS_getpgrp, {0, 0, 0}, 0, 65},
    {"timer_getoverrun", SYS_timer_getoverrun, {-1, 0, 0}, EINVAL, 262},
    {"mq_getsetattr", SYS_mq_getsetattr, {-1, 0, 0}, EBADF, 0},
    {"io_destroy", SYS_io_destroy, {-1, 0, 0}, EINVAL, 246},
    {"remap_file_pages", SYS_remap_file_pages, {0, 0, 0}, EINVAL, 0},
};

static volatile sig_atomic_t stopped;

static void on_term(int signal_number) {
  (void)signal_number;
  stopped = 1;
}

static long call_x86_64(const struct call* c) {
  long r;
  __asm__ volatile("syscall"
                   : "=a"(r)
                   : "a"(c->number), "D"(c->args[0]), "S"(c->args[1]), "d"(c->args[2])
                   : "rcx", "r11", "memory");
  return r;
}

static long call_i386(const struct call* c) {
  long r;
  __asm__ volatile("int $0x80"
                   : "=a"(r)
                   : "a"((long)c->i386_number), "b"(c->args[0]), "c"(c->args[1]), "d"(c->args[2])
                   : "r8", "r9", "r10", "r11", "memory");
  return (int)r;
}

// Some kernels end whoever tries.
static int kernel_takes_i386(void) {
  const struct call getpgrp_call = {.i386_number = 65};
  const pid_t child = fork();
  if (child == 0) _exit(call_i386(&getpgrp_call) < 0);
  int status;
  return waitpid(child, &status, 0) == child && status == 0;
}

static const struct call* find_call(const char* name, int* i386) {
  const size_t length = strcspn(name, ":");
  *i386 = strcmp(name + length, ":i386") == 0;
  for (size_t i = 0; i < sizeof kCalls / sizeof *kCalls; ++i) {
    if (strlen(kCalls[i].name) == length && strncmp(kCalls[i].name, name, length) == 0)
      return &kCalls[i];
  }
  return NULL;
}

static void make_call(const struct call* c, int i386, struct result* result) {
  const long r = i386 ? call_i386(c) : call_x86_64(c);
  ++result->count;
  if (r < 0) ++result->second;
  const int failed_with = r < 0 ? (int)-r : 0;
  if (failed_with != c->want_errno) {
    fprintf(stderr, "calls: %s returned %ld, expected %s\n", c->name, r, strerror(c->want_errno));
    exit(1);
  }
}

static void run_at_rate(const struct call* c, int i386, double rate, uint64_t for_ms,
                        struct result* result) {
  const uint64_t begin = now_ns(CLOCK_MONOTONIC);
  const uint64_t end = for_ms == 0 ? UINT64_MAX : begin + for_ms * 1000000u;
  for (uint64_t made = 0; !stopped;) {
    uint64_t now = now_ns(CLOCK_MONOTONIC);
    if (now > end) now = end;
    const uint64_t due = (uint64_t)((double)(now - begin) / 1e9 * rate);
    for (; made < due && !stopped; ++made) make_call(c, i386, result);
    if (now == end) break;
    const struct timespec tick = {0, 5 * 1000 * 1000};
    nanosleep(&tick, NULL);
  }
}

int main(int argc, char** argv) {
  if (has_flag(argc, argv, "--list")) {
    const int takes_i386 = kernel_takes_i386();
    for (size_t i = 0; i < sizeof kCalls / sizeof *kCalls; ++i) {
      printf("%s %d %d\n", kCalls[i].name, kCalls[i].want_errno,
             takes_i386 && kCalls[i].i386_number != 0);
    }
    return 0;
  }
  int i386 = 0;
  const char* name = option(argc, argv, "--call", "");
  const struct call* c = find_call(name, &i386);
  const char* path = option(argc, argv, "--result", NULL);
  if (c == NULL || path == NULL || (i386 && c->i386_number == 0)) {
    fprintf(stderr, "calls: --call \"%s\" is not known, or --result is missing\n", name);
    return 2;
  }
  const uint64_t count = strtoull(option(argc, argv, "--count", "0"), NULL, 10);
  const double rate = strtod(option(argc, argv, "--rate", "0"), NULL);
  const uint64_t for_ms = strtoull(option(argc, argv, "--for", "0"), NULL, 10);

  const struct sigaction on_stop = {.sa_handler = on_term};
  sigset_t stop_signals;
  sigset_t before;
  sigemptyset(&stop_signals);
  sigaddset(&stop_signals, SIGTERM);
  sigaddset(&stop_signals, SIGINT);
  sigaction(SIGTERM, &on_stop, NULL);
  sigaction(SIGINT, &on_stop, NULL);

  struct result* result = result_open(path);
  result_start(result);
  if (rate > 0) {
    run_at_rate(c, i386, rate, for_ms, result);
  } else {
    for (uint64_t i = 0; i < count && !stopped; ++i) make_call(c, i386, result);
  }
  result_finish(result);
  if (has_flag(argc, argv, "--hold")) {
    sigprocmask(SIG_BLOCK, &stop_signals, &before);
    while (!stopped) sigsuspend(&before);
  }
  return 0;
}
