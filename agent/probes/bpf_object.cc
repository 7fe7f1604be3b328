#include "agent/probes/bpf_object.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>
#include <cstring>

#include "fmt/format.h"
#include "spdlog/spdlog.h"

#include "agent/probes/bpf_run.h"
#include "common/status_macros.h"
#include "common/status_text.h"
#include "lifecycle.skel.h"
#include "processes.skel.h"
#include "requests.skel.h"
#include "syscalls.skel.h"
#include "tcp.skel.h"
#include "udp.skel.h"

namespace leadline::agent::probes {
namespace {

using State = AlternativeReport::State;
using ObjectPtr = std::unique_ptr<bpf_object, BpfObjectCloser>;

constexpr size_t kVerifierLogBytes = 256 << 10;
constexpr int kVerifierLogLines = 3;

// libbpf explains failures to its log only; ours has them at level debug, and our errors say the
// rest.
int LogForLibbpf(libbpf_print_level level, const char* format, va_list arguments) {
  if (level == LIBBPF_DEBUG || !spdlog::should_log(spdlog::level::debug)) return 0;
  char line[512];
  const int length = vsnprintf(line, sizeof(line), format, arguments);
  std::string_view text(line, std::clamp<int>(length, 0, sizeof(line) - 1));
  while (text.ends_with('\n')) text.remove_suffix(1);
  spdlog::debug("{}", text);
  return length;
}

// The last lines of the verifier's log that say something, without its statistics.
std::string VerifierReason(std::string_view log) {
  std::vector<std::string_view> lines;
  while (!log.empty()) {
    const size_t end = std::min(log.find('\n'), log.size());
    const std::string_view line = log.substr(0, end);
    if (!line.empty() && !line.starts_with("processed ")) lines.push_back(line);
    log.remove_prefix(std::min(end + 1, log.size()));
  }
  std::string reason;
  const size_t first = lines.size() > kVerifierLogLines ? lines.size() - kVerifierLogLines : 0;
  for (size_t i = first; i < lines.size(); ++i) {
    if (!reason.empty()) reason += "; ";
    reason += lines[i];
  }
  return reason;
}

// Loads the object with one program; "" when the kernel takes it, else why not.
std::string TryProgram(BpfObject object, const char* name,
                       const LoadedBpfObject::Configure& configure) {
  auto opened = LoadedBpfObject::Open(object, configure);
  if (!opened.ok()) return std::string{StatusMessage(opened.status())};
  std::string log(kVerifierLogBytes, '\0');
  bpf_program* program;
  bpf_object__for_each_program(program, opened->get()) {
    const bool wanted = std::strcmp(bpf_program__name(program), name) == 0;
    bpf_program__set_autoload(program, wanted);
    if (wanted) bpf_program__set_log_buf(program, log.data(), log.size());
  }
  if (const int error = bpf_object__load(opened->get()); error != 0) {
    const std::string reason = VerifierReason(log.c_str());
    return reason.empty() ? std::strerror(-error)
                          : fmt::format("{}: {}", std::strerror(-error), reason);
  }
  return "";
}

// A run of a program that is there to be run; "" when the kernel does it, else why not.
std::string TryRun(const bpf_program* program) {
  const absl::Status run =
      RunBpfProgram(bpf_program__fd(program), bpf_program__name(program), 0).status();
  return std::string(StatusMessage(run));
}

bool Wanted(const std::vector<ProbeStatus>& statuses, absl::Span<const ProbeRow> rows,
            std::string_view program) {
  for (size_t i = 0; i < rows.size(); ++i) {
    for (size_t j = 0; j < rows[i].alternatives.size(); ++j) {
      if (rows[i].alternatives[j].program == program) {
        return statuses[i].alternatives[j].state != State::kRefused;
      }
    }
  }
  return false;
}

absl::StatusOr<ObjectPtr> LoadWanted(BpfObject object, absl::Span<const ProbeRow> rows,
                                     const LoadedBpfObject::Configure& configure,
                                     const std::vector<ProbeStatus>& statuses) {
  LL_ASSIGN_OR_RETURN(ObjectPtr opened, LoadedBpfObject::Open(object, configure));
  bpf_program* program;
  bpf_object__for_each_program(program, opened.get()) {
    bpf_program__set_autoload(program, Wanted(statuses, rows, bpf_program__name(program)));
  }
  if (const int error = bpf_object__load(opened.get()); error != 0) {
    return absl::UnavailableError(fmt::format("BPF object {}: cannot load: {}",
                                              BpfObjectName(object), std::strerror(-error)));
  }
  return opened;
}

// Why an alternative is not even tried; "" when it is.
std::string LeftOut(const ProbeAlternative& alternative, const LoadedBpfObject::Choice& choice) {
  if (choice.kernel < alternative.least_kernel) {
    return fmt::format("needs kernel {}", alternative.least_kernel.ToString());
  }
  for (const std::string& prefix : choice.avoid) {
    if (alternative.hook.starts_with(prefix) || alternative.program == prefix) {
      return fmt::format("{} is to be avoided", prefix);
    }
  }
  return "";
}

std::vector<ProbeStatus> InitialStatuses(absl::Span<const ProbeRow> rows,
                                         const LoadedBpfObject::Choice& choice) {
  std::vector<ProbeStatus> statuses;
  for (const ProbeRow& row : rows) {
    ProbeStatus& status = statuses.emplace_back();
    status.name = row.name;
    status.feeds = row.feeds;
    for (const ProbeAlternative& alternative : row.alternatives) {
      AlternativeReport& report = status.alternatives.emplace_back();
      report.hook = alternative.hook;
      report.wants = fmt::format("{}{}{}", alternative.least_kernel.ToString(),
                                 alternative.arguments.empty() ? "" : ": ", alternative.arguments);
      report.reason = LeftOut(alternative, choice);
      if (!report.reason.empty()) report.state = State::kRefused;
    }
  }
  return statuses;
}

// False when the probe of that name cannot be attached any more; true for "".
bool HopeOf(std::string_view name, absl::Span<const ProbeStatus> statuses) {
  if (name.empty()) return true;
  return std::any_of(statuses.begin(), statuses.end(), [&](const ProbeStatus& status) {
    return status.name == name &&
           std::any_of(status.alternatives.begin(), status.alternatives.end(),
                       [](const auto& a) { return a.state != State::kRefused; });
  });
}

void GiveUp(const ProbeRow& row, ProbeStatus& status) {
  for (AlternativeReport& report : status.alternatives) {
    if (report.state == State::kRefused) continue;
    report.state = State::kRefused;
    report.reason = fmt::format("is of no use without {}", row.needs);
  }
  status.attached_by.clear();
}

}  // namespace

std::string_view BpfObjectElf(BpfObject object) {
  size_t size = 0;
  const void* data = nullptr;
  switch (object) {
    case BpfObject::kSyscalls:
      data = syscalls_bpf::elf_bytes(&size);
      break;
    case BpfObject::kLifecycle:
      data = lifecycle_bpf::elf_bytes(&size);
      break;
    case BpfObject::kProcesses:
      data = processes_bpf::elf_bytes(&size);
      break;
    case BpfObject::kTcp:
      data = tcp_bpf::elf_bytes(&size);
      break;
    case BpfObject::kUdp:
      data = udp_bpf::elf_bytes(&size);
      break;
    case BpfObject::kRequests:
      data = requests_bpf::elf_bytes(&size);
      break;
  }
  return {static_cast<const char*>(data), size};
}

absl::StatusOr<ObjectPtr> LoadedBpfObject::Open(BpfObject object, const Configure& configure) {
  libbpf_set_print(LogForLibbpf);
  const std::string_view elf = BpfObjectElf(object);
  const std::string name(BpfObjectName(object));
  LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = name.c_str());
  ObjectPtr opened(bpf_object__open_mem(elf.data(), elf.size(), &options));
  if (!opened) {
    return absl::InternalError(
        fmt::format("BPF object {}: cannot open: {}", name, std::strerror(errno)));
  }
  LL_RETURN_IF_ERROR(configure(opened.get()));
  return opened;
}

absl::StatusOr<LoadedBpfObject> LoadedBpfObject::Load(BpfObject object,
                                                      absl::Span<const ProbeRow> rows,
                                                      const Choice& choice,
                                                      const Configure& configure,
                                                      std::vector<ProbeStatus>& statuses) {
  statuses = InitialStatuses(rows, choice);
  LoadedBpfObject loaded;
  loaded.rows_ = rows;

  absl::StatusOr<ObjectPtr> first = absl::UnavailableError("not tried");
  if (!choice.verify_each) first = LoadWanted(object, rows, configure, statuses);
  if (!first.ok()) {
    // libbpf loads all programs or none: find out which the kernel takes.
    bool any = false;
    for (size_t i = 0; i < rows.size(); ++i) {
      for (size_t j = 0; j < rows[i].alternatives.size(); ++j) {
        AlternativeReport& report = statuses[i].alternatives[j];
        if (report.state == State::kRefused) continue;
        report.reason = TryProgram(object, rows[i].alternatives[j].program, configure);
        report.state = report.reason.empty() ? State::kVerified : State::kRefused;
        any = any || report.reason.empty();
      }
    }
    if (!any) {
      return absl::UnavailableError(
          fmt::format("BPF object {}: no program loads{}; the first: {}", BpfObjectName(object),
                      geteuid() == 0 ? "" : ", which takes root or CAP_BPF and CAP_PERFMON",
                      statuses[0].alternatives[0].reason));
    }
    first = LoadWanted(object, rows, configure, statuses);
    LL_RETURN_IF_ERROR(first.status());
  }
  for (ProbeStatus& status : statuses) {
    for (AlternativeReport& alternative : status.alternatives) {
      if (alternative.state == State::kUntried) alternative.state = State::kVerified;
    }
  }
  loaded.object_ = *std::move(first);
  return loaded;
}

LoadedBpfObject::Following::~Following() {
  const uint32_t only = 0;
  if (map_.is_open()) bpf_map_delete_elem(map_.get(), &only);
}

bool LoadedBpfObject::Following::Set(int map_fd, const bpf_program* program) {
  const uint32_t only = 0;
  const int program_fd = bpf_program__fd(program);
  Fd map(fcntl(map_fd, F_DUPFD_CLOEXEC, 0));
  if (!map.is_open() || bpf_map_update_elem(map.get(), &only, &program_fd, BPF_ANY) != 0) {
    return false;
  }
  map_ = std::move(map);
  return true;
}

void LoadedBpfObject::Attach(std::vector<ProbeStatus>& statuses, const Before& before) {
  for (size_t i = 0; i < rows_.size(); ++i) {
    if (HopeOf(rows_[i].needs, statuses)) {
      AttachRow(rows_[i], before, statuses[i]);
    } else {
      GiveUp(rows_[i], statuses[i]);
    }
  }
  // What was needed had verified, and yet did not attach.
  std::erase_if(attached_, [&](const Attached& attached) {
    if (HopeOf(attached.row->needs, statuses)) return false;
    GiveUp(*attached.row, statuses[static_cast<size_t>(attached.row - rows_.data())]);
    return true;
  });
}

bpf_link* LoadedBpfObject::AttachProgram(const ProbeAlternative& alternative,
                                         bpf_program* program) {
  if (alternative.map == nullptr) return bpf_program__attach(program);
  bpf_iter_link_info info = {};
  info.map.map_fd =
      static_cast<uint32_t>(bpf_object__find_map_fd_by_name(object_.get(), alternative.map));
  LIBBPF_OPTS(bpf_iter_attach_opts, options, .link_info = &info, .link_info_len = sizeof(info));
  return bpf_program__attach_iter(program, &options);
}

bool LoadedBpfObject::AttachOne(Attached& attached) {
  if (attached.before_fd >= 0 && attached.following.Set(attached.before_fd, attached.program)) {
    return true;
  }
  attached.link.reset(AttachProgram(*attached.alternative, attached.program));
  return attached.link != nullptr;
}

absl::Status LoadedBpfObject::SetAttached(std::string_view probe, bool on) {
  for (Attached& attached : attached_) {
    if (attached.is_run || on == attached.is_on()) continue;
    if (!probe.empty() && attached.row->name != probe) continue;
    if (!on) {
      attached.link.reset();
      attached.following = Following();
    } else if (!AttachOne(attached)) {
      return absl::ErrnoToStatus(errno, fmt::format("attaching {} again", attached.row->name));
    }
  }
  return absl::OkStatus();
}

void LoadedBpfObject::AttachRow(const ProbeRow& row, const Before& before, ProbeStatus& status) {
  for (size_t i = 0; i < row.alternatives.size(); ++i) {
    AlternativeReport& report = status.alternatives[i];
    if (report.state != State::kVerified) continue;
    const ProbeAlternative& alternative = row.alternatives[i];
    bpf_program* program = bpf_object__find_program_by_name(object_.get(), alternative.program);
    if (status.attached()) {
      bpf_program__unload(program);
      continue;
    }
    Attached attached{.row = &row, .alternative = &alternative, .program = program};
    if (report.hook == kRunHook) {
      attached.is_run = true;
      report.reason = TryRun(program);
    } else if (attached.before_fd = before(alternative); !AttachOne(attached)) {
      report.reason = fmt::format("cannot attach: {}", std::strerror(errno));
    }
    if (!report.reason.empty()) {
      report.state = State::kRefused;
      continue;
    }
    report.state = State::kAttached;
    status.attached_by = report.hook;
    attached_.push_back(std::move(attached));
  }
}

const LoadedBpfObject::Attached* LoadedBpfObject::Find(std::string_view probe) const {
  for (const Attached& attached : attached_) {
    if (attached.row->name == probe) return &attached;
  }
  return nullptr;
}

int LoadedBpfObject::LinkFd(std::string_view probe) const {
  const Attached* attached = Find(probe);
  return attached == nullptr || attached->link == nullptr ? -1 : bpf_link__fd(attached->link.get());
}

int LoadedBpfObject::RunFd(std::string_view probe) const {
  const Attached* attached = Find(probe);
  return attached == nullptr || !attached->is_run ? -1 : bpf_program__fd(attached->program);
}

uint64_t LoadedBpfObject::Sum(__u64 bpf_prog_info::*field) const {
  uint64_t sum = 0;
  for (const Attached& attached : attached_) {
    bpf_prog_info info = {};
    __u32 size = sizeof(info);
    if (bpf_obj_get_info_by_fd(bpf_program__fd(attached.program), &info, &size) == 0) {
      sum += info.*field;
    }
  }
  return sum;
}

}  // namespace leadline::agent::probes
