#include "agent/probes/probe_table.h"

#include <bpf/libbpf.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "gtest/gtest.h"

#include "agent/probes/bpf_object.h"

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
    // Ways by one hook have to say what tells them apart.
    std::set<std::pair<std::string_view, std::string_view>> ways;
    for (const ProbeAlternative& alternative : row.alternatives) {
      EXPECT_TRUE(ways.emplace(alternative.hook, alternative.arguments).second)
          << row.name << " by " << alternative.hook;
    }
  }
  for (const ProbeRow& row : ProbeTable()) {
    EXPECT_TRUE(row.needs.empty() || names.contains(row.needs)) << row.name;
  }
}

TEST(ProbeTable, NamesThePrograms) {
  std::set<BpfObject> objects;
  for (const ProbeRow& row : ProbeTable()) objects.insert(row.object);
  for (const BpfObject object : objects) {
    const std::string_view elf = BpfObjectElf(object);
    const std::unique_ptr<bpf_object, BpfObjectCloser> opened(
        bpf_object__open_mem(elf.data(), elf.size(), nullptr));
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
