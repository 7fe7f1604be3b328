// A program for the tests of processes: static and small, so that it is quick to start.
//
//   process_work exit CODE          ends with the code
//   process_work kill SIGNAL        ends by the signal
//   process_work threads N          N threads and the main one end at the same moment, by
//   themselves;
//                                   the main one with 5
//   process_work group N CODE       N threads sleep while another ends the process with the code
//   process_work leader CODE        the main thread ends with CODE, then another with 77
//   process_work exec PATH ARG...   a thread that is not the main one executes PATH
//   process_work burn N MS          N threads use MS milliseconds of CPU each, then end one by one
//   process_work eat MIB            touches so much memory
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static atomic_int waiting;
static int code;
static long burn_ms;
static char** exec_args;
static pid_t leader;

static void start(void* (*body)(void*)) {
  pthread_t thread;

  if (pthread_create(&thread, NULL, body, NULL) != 0) _exit(125);
}

static void meet(void) {
  atomic_fetch_sub(&waiting, 1);
  while (atomic_load(&waiting) > 0)
    ;
}

static void* end_together(void* unused) {
  (void)unused;
  meet();
  syscall(SYS_exit, 6);
  return NULL;
}

static void* sleep_for_ever(void* unused) {
  atomic_fetch_sub(&waiting, 1);
  for (;;) pause();
  return unused;
}

static void* end_group(void* unused) {
  while (atomic_load(&waiting) > 0)
    ;
  _exit(code);
  return unused;
}

/* Once the main thread is a zombie. */
static void* end_after_leader(void* unused) {
  char path[64], stat[512];

  snprintf(path, sizeof(path), "/proc/self/task/%d/stat", leader);
  for (;;) {
    FILE* file = fopen(path, "r");

    if (!file || !fgets(stat, sizeof(stat), file)) _exit(126);
    fclose(file);
    if (strstr(stat, ") Z ")) break;
  }
  syscall(SYS_exit, 77);
  return unused;
}

static void* exec_it(void* unused) {
  execv(exec_args[0], exec_args);
  _exit(124);
  return unused;
}

static void* burn(void* unused) {
  struct timespec used;

  do {
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
  } while (used.tv_sec * 1000 + used.tv_nsec / 1000000 < burn_ms);
  return unused;
}

static int burn_threads(int count) {
  pthread_t threads[64];

  for (int i = 0; i < count; i++)
    if (pthread_create(&threads[i], NULL, burn, NULL) != 0) return 125;
  for (int i = 0; i < count; i++) pthread_join(threads[i], NULL);
  return 0;
}

int main(int argc, char** argv) {
  const char* what = argc > 1 ? argv[1] : "";
  int number = argc > 2 ? atoi(argv[2]) : 0;

  leader = getpid();
  if (strcmp(what, "exit") == 0) return number;
  if (strcmp(what, "kill") == 0) {
    kill(getpid(), number);
    return 1;
  }
  if (strcmp(what, "threads") == 0) {
    waiting = number + 1;
    for (int i = 0; i < number; i++) start(end_together);
    meet();
    syscall(SYS_exit, 5);
  }
  if (strcmp(what, "group") == 0) {
    code = atoi(argv[3]);
    waiting = number;
    for (int i = 0; i < number; i++) start(sleep_for_ever);
    start(end_group);
    for (;;) pause();
  }
  if (strcmp(what, "leader") == 0) {
    start(end_after_leader);
    syscall(SYS_exit, number);
  }
  if (strcmp(what, "exec") == 0) {
    exec_args = argv + 2;
    start(exec_it);
    for (;;) pause();
  }
  if (strcmp(what, "burn") == 0 && argc == 4) {
    burn_ms = atol(argv[3]);
    return burn_threads(number > 64 ? 64 : number);
  }
  if (strcmp(what, "eat") == 0) {
    size_t bytes = (size_t)number << 20;
    char* memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED) return 1;
    for (size_t i = 0; i < bytes; i += 4096) memory[i] = 1;
    return 0;
  }
  return 2;
}
