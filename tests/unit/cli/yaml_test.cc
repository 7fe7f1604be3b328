#include "cli/yaml.h"

#include <sstream>

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

namespace leadline::cli {
namespace {

std::string Yaml(std::string_view json) {
  std::ostringstream out;
  EXPECT_TRUE(PrintYaml(json, out).ok()) << json;
  return out.str();
}

TEST(Yaml, PrintsAsKubectlDoes) {
  EXPECT_EQ(Yaml(R"({"status":"success","data":{"resultType":"vector","result":[
                    {"metric":{"__name__":"up","a-b":"1","no":"x"},"value":[1.5,"7"]},
                    {"metric":{},"histogram":[1,{"count":"2","buckets":[[0,"1","2","3"]]}]}]},
                    "warnings":["a \"quoted\" one"]})"),
            R"(status: "success"
data:
  resultType: "vector"
  result:
  - metric:
      __name__: "up"
      "a-b": "1"
      "no": "x"
    value: [1.5, "7"]
  - metric: {}
    histogram:
    - 1
    - count: "2"
      buckets:
      - [0, "1", "2", "3"]
warnings: ["a \"quoted\" one"]
)");
  EXPECT_EQ(Yaml("[]"), "[]\n");
  EXPECT_EQ(Yaml("7"), "7\n");
}

TEST(Yaml, IsReadBackAsTheSame) {
  const YAML::Node read = YAML::Load(Yaml(
      R"({"a":[[1,[2,3]],{"b":{"c":["x\u0001\n\"","yes","1e3"]}}],"é: #":null,"d":[{"e":1,"f":[]}]})"));
  EXPECT_EQ(read["a"][0][1][1].as<int>(), 3);
  EXPECT_EQ(read["a"][1]["b"]["c"][0].as<std::string>(), "x\x01\n\"");
  EXPECT_EQ(read["a"][1]["b"]["c"][2].as<std::string>(), "1e3");
  EXPECT_TRUE(read["é: #"].IsNull());
  EXPECT_EQ(read["d"][0]["e"].as<int>(), 1);
  EXPECT_EQ(read["d"][0]["f"].size(), 0u);
}

TEST(Yaml, RefusesWhatIsNoJson) {
  std::ostringstream out;
  EXPECT_EQ(PrintYaml("{", out).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(out.str(), "");
}

}  // namespace
}  // namespace leadline::cli
