// The process that a test node lives in, and the one that cleans up after it.
//
//   node_init DIR TAG
//
// Makes private pid, mount, network, UTS and IPC namespaces and stays outside of them as their
// supervisor; its child is pid 1 inside. Standard input is the lifeline: when the last writer of
// that pipe is gone, however it ended, pid 1 is killed (and the kernel kills everything else in the
// node), and the control groups whose name carries "pod<TAG>" are removed. Should the supervisor be
// killed, pid 1 dies with it (PR_SET_PDEATHSIG) and the groups, then empty, are left to whoever
// runs `node_init --sweep TAG`.
//
// Standard output carries lines: "ready HOSTPID" once, then "exit PID STATUS" for each process
// that pid 1 reaps (PID as the node sees it, STATUS as wait(2) has it).
//
// DIR holds the node's runtime state and must exist; an empty file "empty" is made in it.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kMaxPath = 4096, kSweepTries = 400, kSweepPauseNs = 5 * 1000 * 1000 };

static void Die(const char* what, const char* on) {
  fprintf(stderr, "node_init: %s %s: %s\n", what, on, strerror(errno));
  exit(1);
}

static void PauseBriefly(void) {
  const struct timespec pause_time = {0, kSweepPauseNs};
  nanosleep(&pause_time, NULL);
}

// Removes the control group `path` and what is below it. True when it is gone.
static bool RemoveTree(const char* path) {
  DIR* dir = opendir(path);
  if (dir == NULL) return errno == ENOENT;
  struct dirent* entry;
  while ((entry = readdir(dir)) != NULL) {
    if (entry->d_type != DT_DIR || entry->d_name[0] == '.') continue;
    char child[kMaxPath];
    if (snprintf(child, sizeof child, "%s/%s", path, entry->d_name) < (int)sizeof child)
      RemoveTree(child);
  }
  closedir(dir);
  return rmdir(path) == 0 || errno == ENOENT;
}

static void KillMembers(const char* path) {
  char file[kMaxPath];
  if (snprintf(file, sizeof file, "%s/cgroup.kill", path) >= (int)sizeof file) return;
  const int fd = open(file, O_WRONLY | O_CLOEXEC);
  if (fd < 0) return;  // a v1 hierarchy
  if (write(fd, "1", 1) != 1) perror("node_init: cgroup.kill");
  close(fd);
}

// Removes the groups below `path` whose name holds `mark`. Returns how many are still there.
static int Sweep(const char* path, const char* mark, int depth) {
  if (depth > 6) return 0;
  DIR* dir = opendir(path);
  if (dir == NULL) return 0;
  int left = 0;
  struct dirent* entry;
  while ((entry = readdir(dir)) != NULL) {
    if (entry->d_type != DT_DIR || entry->d_name[0] == '.') continue;
    char child[kMaxPath];
    if (snprintf(child, sizeof child, "%s/%s", path, entry->d_name) >= (int)sizeof child) continue;
    if (strstr(entry->d_name, mark) != NULL) {
      KillMembers(child);
      if (!RemoveTree(child)) ++left;
    } else if (depth > 0 || strncmp(entry->d_name, "kube", 4) == 0) {
      left += Sweep(child, mark, depth + 1);
    }
  }
  closedir(dir);
  return left;
}

static int SweepHierarchies(const char* tag) {
  char mark[64];
  snprintf(mark, sizeof mark, "pod%s", tag);
  int left = 0;
  for (int attempt = 0; attempt < kSweepTries; ++attempt) {
    left = 0;
    DIR* dir = opendir("/sys/fs/cgroup");
    if (dir == NULL) return 0;
    struct dirent* entry;
    left += Sweep("/sys/fs/cgroup", mark, 0);  // a unified layout
    while ((entry = readdir(dir)) != NULL) {
      if (entry->d_type != DT_DIR || entry->d_name[0] == '.') continue;
      char path[kMaxPath];
      if (snprintf(path, sizeof path, "/sys/fs/cgroup/%s", entry->d_name) < (int)sizeof path) {
        left += Sweep(path, mark, 0);
      }
    }
    closedir(dir);
    if (left == 0) return 0;
    PauseBriefly();  // killed processes leave their group a moment later
  }
  fprintf(stderr, "node_init: %d control groups of %s cannot be removed\n", left, mark);
  return left;
}

static void MountNode(const char* dir) {
  char empty[kMaxPath];
  snprintf(empty, sizeof empty, "%s/empty", dir);
  const int fd = open(empty, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
  if (fd < 0) Die("cannot make", empty);
  close(fd);
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) Die("cannot make private", "/");
  if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0)
    Die("cannot mount", "/proc");
  if (mount("run", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=755") != 0)
    Die("cannot mount", "/run");
  if (mkdir("/run/netns", 0755) != 0) Die("cannot make", "/run/netns");
  // crun takes a hybrid layout for a unified one unless this file is empty.
  const char* controllers = "/sys/fs/cgroup/unified/cgroup.controllers";
  if (access(controllers, F_OK) == 0 && mount(empty, controllers, NULL, MS_BIND, NULL) != 0) {
    Die("cannot mount over", controllers);
  }
}

static void EnableForwarding(void) {
  const char* file = "/proc/sys/net/ipv4/ip_forward";
  const int fd = open(file, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, "1", 1) != 1) Die("cannot write", file);
  close(fd);
}

// Pid 1 of the node: reaps what the container runtimes leave to it and says so.
static void RunInit(const char* dir, int ready_fd) {
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) Die("cannot set", "PR_SET_PDEATHSIG");
  signal(SIGPIPE, SIG_IGN);
  sigset_t child_signal;
  sigemptyset(&child_signal);
  sigaddset(&child_signal, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child_signal, NULL);
  MountNode(dir);
  EnableForwarding();
  sethostname("leadline-node", 13);
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  dup2(null, STDIN_FILENO);  // the lifeline is the supervisor's
  if (write(ready_fd, "1", 1) != 1) exit(1);
  close(ready_fd);
  for (;;) {
    int status = 0;
    const pid_t pid = waitpid(-1, &status, WNOHANG);
    if (pid > 0) {
      char line[64];
      const int length = snprintf(line, sizeof line, "exit %d %d\n", pid, status);
      if (write(STDOUT_FILENO, line, length) != length) exit(1);  // nobody listens: the node ends
    } else {
      siginfo_t info;
      sigwaitinfo(&child_signal, &info);
    }
  }
}

static int Supervise(pid_t child) {
  const int child_fd = (int)syscall(SYS_pidfd_open, child, 0);
  if (child_fd < 0) Die("cannot open", "the pidfd of the node");
  struct pollfd fds[] = {{.fd = STDIN_FILENO, .events = POLLIN},
                         {.fd = child_fd, .events = POLLIN}};
  for (;;) {
    if (poll(fds, 2, -1) < 0 && errno != EINTR) break;
    if (fds[1].revents != 0) break;
    char scratch[256];
    if (fds[0].revents != 0 && read(STDIN_FILENO, scratch, sizeof scratch) <= 0) break;
  }
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  return 0;
}

int main(int argc, char** argv) {
  if (argc == 3 && strcmp(argv[1], "--sweep") == 0) return SweepHierarchies(argv[2]) == 0 ? 0 : 1;
  if (argc != 3) {
    fprintf(stderr, "usage: node_init DIR TAG | node_init --sweep TAG\n");
    return 2;
  }
  const char* dir = argv[1];
  const char* tag = argv[2];
  if (strlen(tag) < 8) {
    fprintf(stderr, "node_init: the tag \"%s\" is too short to be ours alone\n", tag);
    return 2;
  }
  signal(SIGINT, SIG_IGN);  // Ctrl-C is for whoever holds the lifeline
  signal(SIGPIPE, SIG_IGN);

  int ready[2];
  if (pipe2(ready, O_CLOEXEC) != 0) Die("cannot make", "a pipe");
  if (unshare(CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC) != 0) {
    Die("cannot unshare", "the node's namespaces");
  }
  const pid_t child = fork();
  if (child < 0) Die("cannot fork", "the node");
  if (child == 0) {
    close(ready[0]);
    RunInit(dir, ready[1]);
  }
  close(ready[1]);
  char byte;
  if (read(ready[0], &byte, 1) != 1) {
    waitpid(child, NULL, 0);
    return 1;
  }
  char line[64];
  const int length = snprintf(line, sizeof line, "ready %d\n", child);
  if (write(STDOUT_FILENO, line, length) == length) Supervise(child);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  return SweepHierarchies(tag) == 0 ? 0 : 1;
}
