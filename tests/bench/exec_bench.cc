// Processes that execute a small static program, which ends at once, one after the other.
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "tests/bench/call_error.h"
#include "tests/bench/probe_benches.h"

namespace leadline::bench {
namespace {

class ExecChurn final : public Workload {
 public:
  absl::Status Run(int operations) override {
    for (int i = 0; i < operations; ++i) {
      char program[] = LL_PROCESS_WORK, exit[] = "exit", code[] = "0";
      char* const arguments[] = {program, exit, code, nullptr};
      pid_t pid = 0;
      errno = posix_spawn(&pid, program, nullptr, nullptr, arguments, environ);
      if (errno != 0) return CallError("posix_spawn");
      int status = 0;
      if (waitpid(pid, &status, 0) != pid) return CallError("waitpid");
      if (status != 0) return absl::InternalError("the program did not end with 0");
    }
    return absl::OkStatus();
  }
};

}  // namespace

absl::StatusOr<std::unique_ptr<Workload>> MakeExecChurn() { return std::make_unique<ExecChurn>(); }

}  // namespace leadline::bench
