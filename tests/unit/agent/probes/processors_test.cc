// The BPF programs of every processor, also of those that this machine has not.
#include <bpf/libbpf.h>

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_split.h"
#include <gtest/gtest.h>

#include "agent/probes/bpf_object.h"
#include "agent/probes/probe_table.h"

namespace leadline::agent::probes {
namespace {

using ObjectPtr = std::unique_ptr<bpf_object, BpfObjectCloser>;

ObjectPtr Open(const std::string& processor, BpfObject object) {
  const std::string path = std::string(LEADLINE_BPF_OBJECTS) + "/" + processor + "/" +
                           std::string(BpfObjectName(object)) + ".bpf.o";
  return ObjectPtr(bpf_object__open(path.c_str()));
}

std::vector<std::string> Processors() { return absl::StrSplit(LEADLINE_BPF_PROCESSORS, ','); }

class Processor : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Each, Processor, testing::ValuesIn(Processors()),
                         [](const auto& test) { return test.param; });

TEST_P(Processor, HasEveryProgramOfTheTable) {
  for (const ProbeRow& row : ProbeTable()) {
    const ObjectPtr object = Open(GetParam(), row.object);
    ASSERT_NE(object, nullptr) << BpfObjectName(row.object);
    for (const ProbeAlternative& alternative : row.alternatives) {
      const bpf_program* program =
          bpf_object__find_program_by_name(object.get(), alternative.program);
      ASSERT_NE(program, nullptr) << alternative.program;
      EXPECT_EQ(bpf_program__section_name(program), alternative.hook);
    }
  }
}

// Kernel and user space agree on the structs by their layout checks; the maps have them by BTF.
TEST_P(Processor, HasTheSameMapsAsTheFirst) {
  std::set<BpfObject> objects;
  for (const ProbeRow& row : ProbeTable()) objects.insert(row.object);
  for (const BpfObject object : objects) {
    const ObjectPtr own = Open(GetParam(), object);
    const ObjectPtr first = Open(Processors().front(), object);
    ASSERT_NE(own, nullptr);
    const bpf_map* map;
    bpf_object__for_each_map(map, own.get()) {
      const bpf_map* other = bpf_object__find_map_by_name(first.get(), bpf_map__name(map));
      ASSERT_NE(other, nullptr) << bpf_map__name(map);
      EXPECT_EQ(bpf_map__type(map), bpf_map__type(other)) << bpf_map__name(map);
      EXPECT_EQ(bpf_map__key_size(map), bpf_map__key_size(other)) << bpf_map__name(map);
      EXPECT_EQ(bpf_map__value_size(map), bpf_map__value_size(other)) << bpf_map__name(map);
    }
  }
}

}  // namespace
}  // namespace leadline::agent::probes
