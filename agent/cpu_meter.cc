#include "agent/cpu_meter.h"

#include <bpf/bpf.h>
#include <time.h>

#include <cerrno>
#include <utility>

namespace leadline::agent {
namespace {

int64_t ProcessCpuNs() {
  timespec used = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return int64_t{used.tv_sec} * 1'000'000'000 + used.tv_nsec;
}

double Share(int64_t used_ns, int64_t of_ns) {
  return of_ns > 0 ? static_cast<double>(used_ns) / static_cast<double>(of_ns) : 0;
}

}  // namespace

CpuMeter::CpuMeter(const Clock& clock, std::function<uint64_t()> run_time_ns)
    : clock_(clock),
      run_time_ns_(std::move(run_time_ns)),
      process_cpu_ns_(ProcessCpuNs()),
      end_ns_(clock.NowMonoNs()) {}

absl::Status CpuMeter::Begin() {
  const int fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
  if (fd < 0) return absl::ErrnoToStatus(errno, "measuring what the probes take");
  measuring_ = Fd(fd);
  program_ns_ = run_time_ns_();
  begin_ns_ = clock_.NowMonoNs();
  return absl::OkStatus();
}

CpuUse CpuMeter::End() {
  CpuUse use;
  const int64_t now_ns = clock_.NowMonoNs();
  if (measuring_.is_open()) {
    const uint64_t program_ns = run_time_ns_();
    use.programs = Share(static_cast<int64_t>(program_ns - program_ns_), now_ns - begin_ns_);
    measuring_ = Fd();
  }
  const int64_t process_cpu_ns = ProcessCpuNs();
  use.process = Share(process_cpu_ns - std::exchange(process_cpu_ns_, process_cpu_ns),
                      now_ns - std::exchange(end_ns_, now_ns));
  return use;
}

}  // namespace leadline::agent
