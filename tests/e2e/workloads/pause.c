// What holds a pod's namespaces open, as in a real node: waits for SIGTERM or SIGINT.
#include <signal.h>
#include <unistd.h>

static void on_signal(int signal_number) {
  (void)signal_number;
  _exit(0);
}

int main(void) {
  signal(SIGTERM, on_signal);
  signal(SIGINT, on_signal);
  for (;;) pause();
}
