#include "agent/probes/probe_table.h"

#include <bpf/libbpf.h>

#include <map>
#include <memory>
#include <set>
#include <string>

#include "gtest/gtest.h"

#include "lifecycle.skel.h"
#include "processes.skel.h"
#include "syscalls.skel.h"

namespace leadline::agent::probes {
namespace {

TEST(ProbeTable, RowsAreSound) {
  std::set<std::string_view> names;
  std::set<BpfObject> finished;
  BpfObject object = ProbeTable()[0].object;
  for (const ProbeRow& row : ProbeTable()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name << " twice";
    EXPECT_FALSE(row.feeds.empty()) << row.name;
    EXPECT_FALSE(row.alternatives.empty()) << row.name;
    if (row.object != object) finished.insert(object);
    object = row.object;
    EXPECT_FALSE(finished.contains(object)) << row.name << " is apart from its object's rows";
    for (const ProbeAlternative& alternative : row.alternatives) {
      EXPECT_LT(KernelVersion{}, alternative.least_kernel) << row.name;
    }
  }
  for (const ProbeRow& row : ProbeTable()) {
    EXPECT_TRUE(row.needs.empty() || names.contains(row.needs)) << row.name;
  }
}

struct CloseObject {
  void operator()(bpf_object* object) const { bpf_object__close(object); }
};

std::unique_ptr<bpf_object, CloseObject> OpenObject(BpfObject object) {
  size_t size = 0;
  const void* elf = nullptr;
  switch (object) {
    case BpfObject::kSyscalls:
      elf = syscalls_bpf::elf_bytes(&size);
      break;
    case BpfObject::kLifecycle:
      elf = lifecycle_bpf::elf_bytes(&size);
      break;
    case BpfObject::kProcesses:
      elf = processes_bpf::elf_bytes(&size);
      break;
  }
  return std::unique_ptr<bpf_object, CloseObject>(bpf_object__open_mem(elf, size, nullptr));
}

TEST(ProbeTable, NamesThePrograms) {
  for (const BpfObject object :
       {BpfObject::kSyscalls, BpfObject::kLifecycle, BpfObject::kProcesses}) {
    const auto opened = OpenObject(object);
    ASSERT_NE(opened, nullptr) << BpfObjectName(object);
    std::map<std::string, std::string> hooks;  // by program, from the object
    bpf_program* program;
    bpf_object__for_each_program(program, opened.get()) {
      hooks[bpf_program__name(program)] = bpf_program__section_name(program);
    }
    std::map<std::string, std::string> rows;
    for (const ProbeRow& row : ProbeTable()) {
      if (row.object != object) continue;
      for (const ProbeAlternative& alternative : row.alternatives) {
        rows[alternative.program] = alternative.hook;
      }
    }
    EXPECT_EQ(rows, hooks) << BpfObjectName(object);
  }
}

TEST(ParseKernelVersion, TakesReleasesAsTheyAre) {
  const struct {
    const char* release;
    KernelVersion version;
  } cases[] = {
      {"6.18.44-fc-v595", {6, 18}},
      {"5.8", {5, 8}},
      {"5.10.0-28-amd64", {5, 10}},
      {"", {}},
      {"6", {}},
      {"6.", {}},
      {"x.1", {}},
      {"99999999.1", {}},
  };
  for (const auto& c : cases) EXPECT_EQ(ParseKernelVersion(c.release), c.version) << c.release;
}

}  // namespace
}  // namespace leadline::agent::probes
