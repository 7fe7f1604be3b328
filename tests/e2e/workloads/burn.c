// Uses a known amount of CPU time in user space.
//
//   burn --cpu-ms MS --result FILE     MS at once, then waits for SIGTERM
//   burn --percent P --result FILE     P percent of one CPU until SIGTERM
//
// result: count = nanoseconds of CPU that this process has used.
#include <signal.h>

#include "result.h"

static void on_term(int signal_number) {
  (void)signal_number;
  _exit(0);
}

static volatile uint64_t sink;

static void burn_until(uint64_t cpu_ns) {
  while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < cpu_ns) {
    for (int i = 0; i < 20000; ++i) sink += (uint64_t)i * sink + 1;
  }
}

static void burn_steadily(uint64_t percent, struct result* result) {
  const struct timespec tick = {0, 10 * 1000 * 1000};
  const uint64_t begin = now_ns(CLOCK_MONOTONIC);
  for (;;) {
    burn_until((now_ns(CLOCK_MONOTONIC) - begin) * percent / 100);
    result->count = now_ns(CLOCK_PROCESS_CPUTIME_ID);
    nanosleep(&tick, NULL);
  }
}

int main(int argc, char** argv) {
  signal(SIGTERM, on_term);
  struct result* result = result_open(option(argc, argv, "--result", "/results/burn"));
  result_start(result);
  const uint64_t percent = strtoull(option(argc, argv, "--percent", "0"), NULL, 10);
  if (percent > 0) burn_steadily(percent, result);
  burn_until(strtoull(option(argc, argv, "--cpu-ms", "0"), NULL, 10) * 1000000u);
  result->count = now_ns(CLOCK_PROCESS_CPUTIME_ID);
  result_finish(result);
  for (;;) pause();
}
