// Runs a program to which bpf() is refused, as the container runtimes' default profile does.
//
//   without_bpf PROGRAM ARG...
#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <unistd.h>

int main(int argc, char** argv) {
  scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
  if (argc < 2 || filter == NULL ||
      seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(bpf), 0) != 0 ||
      seccomp_load(filter) != 0) {
    fprintf(stderr, "without_bpf: cannot set the filter\n");
    return 1;
  }
  execvp(argv[1], argv + 1);
  perror(argv[1]);
  return 1;
}
