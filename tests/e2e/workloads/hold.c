// Holds a known amount of anonymous memory, every page written, until SIGTERM.
//
//   hold --mib N --result FILE
//
// result: count = bytes held.
#include <signal.h>

#include "result.h"

static void on_term(int signal_number) {
  (void)signal_number;
  _exit(0);
}

int main(int argc, char** argv) {
  signal(SIGTERM, on_term);
  const size_t size_bytes = strtoull(option(argc, argv, "--mib", "16"), NULL, 10) << 20;
  struct result* result = result_open(option(argc, argv, "--result", "/results/hold"));
  result_start(result);
  char* memory = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    perror("hold: mmap");
    return 1;
  }
  memset(memory, 0x5a, size_bytes);
  result->count = size_bytes;
  result_finish(result);
  for (;;) pause();
}
