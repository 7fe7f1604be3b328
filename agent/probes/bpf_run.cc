#include "agent/probes/bpf_run.h"

#include <bpf/bpf.h>

#include <cerrno>

#include "fmt/format.h"

namespace leadline::agent::probes {

absl::StatusOr<uint32_t> RunBpfProgram(int program_fd, std::string_view name, uint64_t argument) {
  LIBBPF_OPTS(bpf_test_run_opts, run, .ctx_in = &argument, .ctx_size_in = sizeof(argument));
  if (bpf_prog_test_run_opts(program_fd, &run) != 0) {
    return absl::ErrnoToStatus(errno, fmt::format("BPF program {}: cannot run it", name));
  }
  return run.retval;
}

}  // namespace leadline::agent::probes
