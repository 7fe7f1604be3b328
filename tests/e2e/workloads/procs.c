// Starts processes one after the other and counts how they end, as waitpid says.
//
//   procs --times N [--oom N --mib MIB] --result FILE
//
// --times  N processes for each row of the table below, which execute /bin/process_work
// --oom    then N that touch MIB of memory, more than the container may have
//
// Then waits for SIGTERM. result: count = processes, second = those that ended otherwise than they
// were told to. FILE.ends has a line for each way to end, "code 3 100" or "signal 9 100".
#include <signal.h>
#include <sys/wait.h>

#include "result.h"

#define PROGRAM "/bin/process_work"

static const struct {
  const char* what;
  const char* number;
  int status;
} kEnds[] = {
    {"exit", "0", 0},  {"exit", "3", 3 << 8}, {"exit", "255", 255 << 8},
    {"kill", "15", 15}, {"kill", "9", 9},      {"kill", "6", 6},
};

static uint64_t ended[1 << 16];  // by status

static void on_term(int signal_number) {
  (void)signal_number;
  _exit(0);
}

static void run(const char* what, const char* number, int want_status, struct result* result) {
  const pid_t pid = fork();
  if (pid == 0) {
    execl(PROGRAM, PROGRAM, what, number, (char*)NULL);
    _exit(127);
  }
  int status = 0;
  if (pid < 0 || waitpid(pid, &status, 0) != pid) {
    perror("procs");
    exit(1);
  }
  status &= ~0x80;  // whether it left a core
  ++ended[status & 0xffff];
  ++result->count;
  if (status != want_status) ++result->second;
}

static void write_ends(const char* path) {
  char name[256];
  snprintf(name, sizeof name, "%s.ends", path);
  FILE* file = fopen(name, "w");
  if (file == NULL) {
    perror(name);
    exit(1);
  }
  for (int status = 0; status < 1 << 16; ++status) {
    if (ended[status] == 0) continue;
    const int signal_number = status & 0x7f;
    fprintf(file, "%s %d %llu\n", signal_number ? "signal" : "code",
            signal_number ? signal_number : status >> 8, (unsigned long long)ended[status]);
  }
  fclose(file);
}

int main(int argc, char** argv) {
  const char* path = option(argc, argv, "--result", "/results/procs");
  const uint64_t times = strtoull(option(argc, argv, "--times", "0"), NULL, 10);
  const uint64_t ooms = strtoull(option(argc, argv, "--oom", "0"), NULL, 10);
  const char* mib = option(argc, argv, "--mib", "0");
  signal(SIGTERM, on_term);
  struct result* result = result_open(path);
  result_start(result);
  for (uint64_t i = 0; i < times; ++i) {
    for (size_t end = 0; end < sizeof kEnds / sizeof *kEnds; ++end) {
      run(kEnds[end].what, kEnds[end].number, kEnds[end].status, result);
    }
  }
  for (uint64_t i = 0; i < ooms; ++i) run("eat", mib, SIGKILL, result);
  write_ends(path);
  result_finish(result);
  for (;;) pause();
}
