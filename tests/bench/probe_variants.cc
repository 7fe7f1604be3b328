#include "tests/bench/probe_variants.h"

#include <bpf/libbpf.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include "fmt/format.h"

#include "agent/probes/probes.h"
#include "common/status_macros.h"
#include "floor.skel.h"

namespace leadline::bench {
namespace {

using agent::probes::Probes;

struct DestroyLink {
  void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};
using Link = std::unique_ptr<bpf_link, DestroyLink>;

class ProgramPair final : public Attachment {
 public:
  ProgramPair(Link exit, Link enter) : exit_(std::move(exit)), enter_(std::move(enter)) {}

 private:
  const Link exit_;
  const Link enter_;
};

absl::StatusOr<std::unique_ptr<Attachment>> AttachPair(bpf_program* enter, bpf_program* exit) {
  Link exit_link(bpf_program__attach(exit));
  Link enter_link(bpf_program__attach(enter));
  if (exit_link == nullptr || enter_link == nullptr) {
    return absl::UnavailableError(
        fmt::format("cannot attach {}: {}", bpf_program__name(enter), std::strerror(errno)));
  }
  return std::make_unique<ProgramPair>(std::move(exit_link), std::move(enter_link));
}

class AgentProbes final : public Attachment {
 public:
  explicit AgentProbes(std::unique_ptr<Probes> probes) : probes_(std::move(probes)) {}

 private:
  const std::unique_ptr<Probes> probes_;
};

absl::StatusOr<std::unique_ptr<Attachment>> AttachProbes(agent::probes::ProbeOptions options) {
  options.count_own_sockets = true;  // the benches' own are what they measure
  LL_ASSIGN_OR_RETURN(auto probes, Probes::Load(options));
  for (const auto& probe : probes->report().probes) {
    if (probe.attached() || (!options.capture_requests && probe.name.starts_with("requests_"))) {
      continue;
    }
    return absl::UnavailableError(
        fmt::format("probe {} is not attached\n{}", probe.name, probes->report().ToText()));
  }
  return std::make_unique<AgentProbes>(std::move(probes));
}

}  // namespace

absl::StatusOr<std::vector<Variant>> ProbeVariants() {
  const std::shared_ptr<floor_bpf> floor(floor_bpf::open_and_load(), floor_bpf::destroy);
  if (floor == nullptr) {
    return absl::UnavailableError(
        fmt::format("cannot load BPF programs: {}", std::strerror(errno)));
  }
  return std::vector<Variant>{
      {"no program", [] { return std::unique_ptr<Attachment>(); }},
      {"two empty programs",
       [floor] { return AttachPair(floor->progs.empty_enter, floor->progs.empty_exit); }},
      {"two that read the clock",
       [floor] { return AttachPair(floor->progs.clock_enter, floor->progs.clock_exit); }},
      {"Leadline's probes, all", [] { return AttachProbes({}); }},
      {"- without requests", [] { return AttachProbes({.capture_requests = false}); }},
      {"- timing every call",
       [] { return AttachProbes({.syscall_timing = agent::probes::kTimeEverySyscall}); }},
  };
}

}  // namespace leadline::bench
