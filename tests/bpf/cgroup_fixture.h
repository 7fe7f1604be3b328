// Control groups and processes of a test's own, on the v2 hierarchy.
//
// Everything is removed again by destructors, also when an assertion has failed.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

namespace leadline::testing {

// Where cgroup2 is mounted; "" where it is not.
std::string Cgroup2Mount();

// A directory leadline-test-<pid>-<n> below `parent` (of the cgroup2 mount when empty).
class TestCgroup {
 public:
  TestCgroup() : TestCgroup(Cgroup2Mount()) {}
  explicit TestCgroup(const std::string& parent, const std::string& name = "");
  ~TestCgroup();
  TestCgroup(const TestCgroup&) = delete;
  TestCgroup& operator=(const TestCgroup&) = delete;

  uint64_t id() const { return id_; }  // as the kernel has it
  const std::string& directory() const { return directory_; }
  // Removes it now. False, with errno, when that fails.
  bool Remove();

 private:
  std::string directory_;
  uint64_t id_ = 0;
};

// A child process that runs `body` within a cgroup. It begins when Start is called and ends when
// `body` returns; its exit status is 0 when `body` returned true.
class CgroupProcess {
 public:
  CgroupProcess(const TestCgroup& cgroup, const std::function<bool()>& body);
  ~CgroupProcess();  // kills it if it still runs
  CgroupProcess(const CgroupProcess&) = delete;
  CgroupProcess& operator=(const CgroupProcess&) = delete;

  void Start();
  // True when it ended with status 0.
  bool Wait();
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  int start_fd_ = -1;
};

// Runs `body` in a process within the cgroup, to its end.
bool RunIn(const TestCgroup& cgroup, const std::function<bool()>& body);

}  // namespace leadline::testing
