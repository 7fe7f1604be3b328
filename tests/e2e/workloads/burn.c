// Uses a known amount of CPU time in user space, then waits for SIGTERM.
//
//   burn --cpu-ms MS --result FILE
//
// result: count = nanoseconds of CPU that this process had used when it stopped working.
#include <signal.h>

#include "result.h"

static void on_term(int signal_number) {
  (void)signal_number;
  _exit(0);
}

int main(int argc, char** argv) {
  signal(SIGTERM, on_term);
  const uint64_t cpu_ns = strtoull(option(argc, argv, "--cpu-ms", "0"), NULL, 10) * 1000000u;
  struct result* result = result_open(option(argc, argv, "--result", "/results/burn"));
  result_start(result);
  volatile uint64_t sum = 0;
  while (now_ns(CLOCK_PROCESS_CPUTIME_ID) < cpu_ns) {
    for (int i = 0; i < 20000; ++i) sum += (uint64_t)i * sum + 1;
  }
  result->count = now_ns(CLOCK_PROCESS_CPUTIME_ID);
  result_finish(result);
  for (;;) pause();
}
