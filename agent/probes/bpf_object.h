// One BPF object file: opened, sized, loaded with the programs that the kernel takes, attached.
//
// Errors say which object, program or map, and give the kernel's reason (the verifier's last
// lines). Not thread-safe. What is attached is detached by the destructor.
#pragma once

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "agent/probes/probe_report.h"
#include "agent/probes/probe_table.h"
#include "common/fd.h"

namespace leadline::agent::probes {

// The object's file, which is part of this program.
std::string_view BpfObjectElf(BpfObject object);

struct BpfObjectCloser {
  void operator()(bpf_object* object) const { bpf_object__close(object); }
};
struct BpfLinkDestroyer {
  void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};

class LoadedBpfObject {
 public:
  // Sets sizes and read-only data of a newly opened object.
  using Configure = std::function<absl::Status(bpf_object*)>;

  struct Choice {
    KernelVersion kernel;  // alternatives for later ones are left out,
    // and those whose hook begins with one of these, or whose program is one of them
    absl::Span<const std::string> avoid;
    bool verify_each = false;  // load every one by itself as well
  };

  // Loads the object with those alternatives of its rows that `choice` leaves and the verifier
  // takes. Fails only when not one program loads. `statuses` gets a ProbeStatus for each row either
  // way.
  static absl::StatusOr<LoadedBpfObject> Load(BpfObject object, absl::Span<const ProbeRow> rows,
                                              const Choice& choice, const Configure& configure,
                                              std::vector<ProbeStatus>& statuses);

  // Opened and configured, not loaded.
  static absl::StatusOr<std::unique_ptr<bpf_object, BpfObjectCloser>> Open(
      BpfObject object, const Configure& configure);

  // For a program that need not be attached itself, as one that is attached to its hook goes on to
  // what is in a BPF_MAP_TYPE_PROG_ARRAY: its descriptor; else -1.
  using Before = std::function<int(const ProbeAlternative&)>;

  // Attaches the best loaded alternative of each row and unloads the others. `statuses` are those
  // of Load. A row whose `needs` cannot be attached is not either.
  void Attach(std::vector<ProbeStatus>& statuses, const Before& before);

  // Detaches what Attach has attached, or attaches it again: of one probe, or of all that the
  // object has (""). What was never attached stays so. May be called while others read, one at a
  // time.
  absl::Status SetAttached(std::string_view probe, bool on);

  BpfObject object() const { return rows_.front().object; }
  bpf_object* get() const { return object_.get(); }
  // Of an attached probe, for one that is an iterator; -1 where it is not attached.
  int LinkFd(std::string_view probe) const;
  // The program of a probe that is there to be run (kRunHook); -1 where it is not.
  int RunFd(std::string_view probe) const;
  // Runs that the kernel skipped because the program was already running on the CPU.
  uint64_t SkippedRuns() const { return Sum(&bpf_prog_info::recursion_misses); }
  // How long the attached programs ran while the kernel measured that (BPF_ENABLE_STATS).
  uint64_t RunTimeNs() const { return Sum(&bpf_prog_info::run_time_ns); }

 private:
  // The only program of a map that another program goes on to.
  class Following {
   public:
    Following() = default;
    Following(Following&& other) noexcept : map_(std::move(other.map_)) {}
    Following& operator=(Following&& other) noexcept {
      std::swap(map_, other.map_);
      return *this;
    }
    ~Following();

    // False when the kernel refuses it.
    bool Set(int map_fd, const bpf_program* program);
    bool is_set() const { return map_.is_open(); }

   private:
    Fd map_;  // of our own: the map's object may be gone before
  };
  struct Attached {
    bool is_on() const { return link != nullptr || following.is_set(); }

    const ProbeRow* row;
    const ProbeAlternative* alternative;
    bpf_program* program;
    std::unique_ptr<bpf_link, BpfLinkDestroyer> link;  // null for kRunHook, or where it is
    Following following;
    int before_fd = -1;   // see Before
    bool is_run = false;  // of kRunHook
  };

  const Attached* Find(std::string_view probe) const;
  // Of the attached programs.
  uint64_t Sum(__u64 bpf_prog_info::*field) const;
  bpf_link* AttachProgram(const ProbeAlternative& alternative, bpf_program* program);
  // False with errno.
  bool AttachOne(Attached& attached);
  void AttachRow(const ProbeRow& row, const Before& before, ProbeStatus& status);

  absl::Span<const ProbeRow> rows_;
  std::unique_ptr<bpf_object, BpfObjectCloser> object_;
  std::vector<Attached> attached_;  // destroyed before the object
};

}  // namespace leadline::agent::probes
