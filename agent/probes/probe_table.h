// The probe table: every hook that Leadline sets in the kernel, as data.
//
// A row is one hook: what it feeds, and the ways to set it, best first. The first way that the
// kernel is new enough for, that the verifier accepts and that attaches, is taken. Every probe is
// optional. To add one: a row in probe_table.cc and its programs; see docs/guides/add-a-probe.md.
//
// Constant data; thread-safe.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/types/span.h"

namespace leadline::agent::probes {

struct KernelVersion {
  uint16_t major = 0;
  uint16_t minor = 0;
  auto operator<=>(const KernelVersion&) const = default;
  std::string ToString() const;
};

// From a release as uname has it ("6.18.44-fc-v595"); 0.0 where it does not begin with a version.
KernelVersion ParseKernelVersion(std::string_view release);

// bpf/programs/<name>.bpf.c
enum class BpfObject : uint8_t { kSyscalls, kLifecycle, kProcesses, kTcp, kUdp, kRequests };
std::string_view BpfObjectName(BpfObject object);

// Of a program that is attached to nothing: user space runs it (BPF_PROG_TEST_RUN).
inline constexpr std::string_view kRunHook = "raw_tp";

struct ProbeAlternative {
  // As libbpf names sections: "tp_btf/sys_enter"; or kRunHook.
  std::string_view hook;
  const char* program;    // in the object; attaches to `hook`
  KernelVersion least_kernel;
  const char* map = nullptr;  // of iter/bpf_map_elem: which one it goes over
  // What the hook passes and the program reads, where kernels differ in it; "" where they do not.
  std::string_view arguments = {};
};

struct ProbeRow {
  std::string_view name;
  BpfObject object;
  std::string_view feeds;
  std::string_view needs;  // another row, without which this one is of no use; "" for none
  absl::Span<const ProbeAlternative> alternatives;
};

// In the order in which they are attached; the rows of one object are next to each other.
absl::Span<const ProbeRow> ProbeTable();

}  // namespace leadline::agent::probes
