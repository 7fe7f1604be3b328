#include "tests/bpf/cgroup_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "fmt/format.h"
#include "gtest/gtest.h"

namespace leadline::testing {

std::string Cgroup2Mount() {
  std::ifstream mounts("/proc/self/mounts");
  std::string device, directory, type, rest;
  while (mounts >> device >> directory >> type && std::getline(mounts, rest)) {
    if (type == "cgroup2") return directory;
  }
  return "";
}

TestCgroup::TestCgroup(const std::string& parent, const std::string& name) {
  static int next = 0;
  directory_ = fmt::format(
      "{}/{}", parent, name.empty() ? fmt::format("leadline-test-{}-{}", getpid(), next++) : name);
  struct stat found = {};
  if (mkdir(directory_.c_str(), 0755) != 0 || stat(directory_.c_str(), &found) != 0) {
    ADD_FAILURE() << "cannot make the cgroup " << directory_ << ": " << std::strerror(errno);
    directory_.clear();
  }
  id_ = found.st_ino;
}

TestCgroup::~TestCgroup() {
  if (!directory_.empty() && !Remove()) {
    ADD_FAILURE() << "cannot remove the cgroup " << directory_ << ": " << std::strerror(errno);
  }
}

bool TestCgroup::Remove() {
  if (rmdir(directory_.c_str()) != 0) return false;
  directory_.clear();
  return true;
}

CgroupProcess::CgroupProcess(const TestCgroup& cgroup, const std::function<bool()>& body) {
  int pipe_fds[2];
  if (pipe2(pipe_fds, O_CLOEXEC) != 0) std::abort();
  pid_ = fork();
  if (pid_ == 0) {
    close(pipe_fds[1]);
    char go;
    _exit(read(pipe_fds[0], &go, 1) == 1 && body() ? 0 : 1);
  }
  close(pipe_fds[0]);
  start_fd_ = pipe_fds[1];
  std::ofstream procs(cgroup.directory() + "/cgroup.procs");
  procs << pid_ << std::flush;
  if (!procs) ADD_FAILURE() << "cannot move a process into " << cgroup.directory();
}

CgroupProcess::~CgroupProcess() {
  if (start_fd_ >= 0) close(start_fd_);
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  Wait();
}

void CgroupProcess::Start() {
  if (write(start_fd_, "g", 1) != 1) ADD_FAILURE() << "the test's process is gone";
}

bool CgroupProcess::Wait() {
  int status = -1;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool RunIn(const TestCgroup& cgroup, const std::function<bool()>& body) {
  CgroupProcess process(cgroup, body);
  process.Start();
  return process.Wait();
}

}  // namespace leadline::testing
