// The configuration of the agent and the collector: every option is a key, and
// docs/configuration.md has them all.
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/options/options.h"
#include "cli/check_command.h"
#include "collector/options/options.h"

namespace leadline::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A program with the options that it sets.
struct Made {
  agent::Options agent;
  collector::Options collector;
  std::unique_ptr<flags::Program> program;
};

std::unique_ptr<Made> Make(const std::string& name) {
  auto made = std::make_unique<Made>();
  made->program = name == "leadline-agent" ? agent::MakeProgram(made->agent)
                                           : collector::MakeProgram(made->collector);
  return made;
}

class TemporaryFile {
 public:
  explicit TemporaryFile(const std::string& text)
      : path_(testing::TempDir() + "leadline_configuration_test_XXXXXX") {
    close(mkstemp(path_.data()));
    std::ofstream(path_) << text;
  }
  ~TemporaryFile() { std::remove(path_.c_str()); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// A value that an option takes, other than its default.
std::string Sample(const CLI::Option& option) {
  if (option.get_items_expected_max() == 0) return "true";
  const std::string type = option.get_type_name();
  if (type == "HOST:PORT") return "127.0.0.1:1";
  if (type == "DURATION") return "17s";
  if (type == "SIZE") return "17MiB";
  if (type == "NUMBER" || type == "CPUS") return "17";
  if (type == "LEVEL") return "warn";
  if (type == "MODE") return "every";
  if (type == "VERSION") return "v1";
  if (type == "REGEX") return "17";
  if (type == "NAME:LIMIT=NUMBER,…") return "seventeen:max-series=17";
  if (type == "KIND=DIR") return "docker=/seventeen";
  if (type == "URL") return "http://127.0.0.1:17";
  if (type == "FILES") return "/seventeen/*.yaml";
  if (type == "DIR" || type == "FILE" || type == "NAME") return "/seventeen";
  ADD_FAILURE() << "no sample of a " << type << " for --" << option.get_lnames().front();
  return "";
}

class ConfigurationTest : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Programs, ConfigurationTest,
                         testing::Values("leadline-agent", "leadline-collector"),
                         [](const auto& test) { return std::string(test.param).substr(9); });

TEST_P(ConfigurationTest, EveryFlagIsAKeyWithTheSameEffect) {
  const auto reference = Make(GetParam());
  std::vector<std::string> names;
  for (const CLI::Option* option : reference->program->app().get_options()) {
    if (option->get_lnames().empty()) continue;
    const std::string& name = option->get_lnames().front();
    if (name == "help" || name == "version" || name == "config" || name == "print-config") continue;
    names.push_back(name);
  }
  ASSERT_GT(names.size(), 4U);
  for (const std::string& name : names) {
    const auto by_file = Make(GetParam());
    const auto by_flag = Make(GetParam());
    const auto set = [&](flags::Program& program, const std::vector<std::string>& arguments) {
      for (CLI::Option* option : program.app().get_options({})) option->required(false);
      std::vector<const char*> argv = {"program"};
      for (const std::string& argument : arguments) argv.push_back(argument.c_str());
      std::ostringstream ignored;
      program.Parse(static_cast<int>(argv.size()), argv.data(), ignored, ignored);
      return program.app().get_option("--" + name)->results();
    };
    const std::string sample = Sample(*by_file->program->app().get_option("--" + name));
    const TemporaryFile file(fmt::format("{}: \"{}\"\n", name, sample));
    const auto of_file = set(*by_file->program, {"--config", file.path()});
    EXPECT_EQ(of_file, set(*by_flag->program, {fmt::format("--{}={}", name, sample)})) << name;
    EXPECT_EQ(of_file.size(), 1U) << name;
  }
}

TEST_P(ConfigurationTest, TheReferenceIsCurrent) {
  const std::string path = LEADLINE_SOURCE_DIR "/docs/configuration.md";
  std::ostringstream read;
  read << std::ifstream(path).rdbuf();
  std::string page = read.str();
  const std::string begin = fmt::format("<!-- options of {} -->\n\n", GetParam());
  const std::string end = "\n<!-- end -->";
  const size_t at = page.find(begin);
  ASSERT_NE(at, std::string::npos) << path << " has no " << begin;
  const size_t from = at + begin.size();
  const std::string table = flags::ConfigurationTable(*Make(GetParam())->program);
  if (std::getenv("LEADLINE_WRITE_DOCS") != nullptr) {
    page.replace(from, page.find(end, from) - from, table);
    std::ofstream(path) << page;
    return;
  }
  EXPECT_EQ(page.substr(from, page.find(end, from) - from), table)
      << "run this test with LEADLINE_WRITE_DOCS=1 in the environment, which writes " << path;
}

struct Checked {
  int exit_code;
  std::string out, err;
};

Checked Check(const std::string& file, const std::string& program = "") {
  std::ostringstream out, err;
  const int exit_code = RunCheckConfig({.file = file, .program = program}, out, err);
  return {exit_code, out.str(), err.str()};
}

TEST(CheckConfig, FindsTheProgramByTheKeys) {
  const TemporaryFile agent("node: n\nlog-level: info\n");
  EXPECT_EQ(Check(agent.path()).out, agent.path() + ": ok (leadline-agent)\n");
  const TemporaryFile collector("retention: 3d\nlog-level: info\n");
  EXPECT_EQ(Check(collector.path()).out, collector.path() + ": ok (leadline-collector)\n");
}

TEST(CheckConfig, AsksWhereTheKeysDoNotTell) {
  const TemporaryFile file("log-level: loud\n");
  EXPECT_EQ(Check(file.path()).exit_code, 1);
  EXPECT_THAT(Check(file.path()).err, HasSubstr("say --program"));
  EXPECT_EQ(Check(file.path(), "agent").err,
            file.path() + ":1: log-level: \"loud\" is none of debug, info, warn, error\n");
}

TEST(CheckConfig, SaysWhatTheProgramWould) {
  const TemporaryFile file("node: n\ninterval: 10 parsecs\nmax_processes: 3\n");
  const Checked checked = Check(file.path());
  EXPECT_EQ(checked.exit_code, 1);
  EXPECT_THAT(checked.out, IsEmpty());
  EXPECT_EQ(checked.err,
            file.path() +
                ":2: interval: \"10 parsecs\" is not a duration, as in 30d, 1h30m or 500ms\n" +
                file.path() + ":3: max_processes: unknown key; did you mean max-processes?\n");
}

TEST(CheckConfig, SaysWhatAStartWouldComeToLater) {
  const TemporaryFile file("cors-origin: (\nrules:\n- /nowhere/rules.yaml\n- /nowhere/*.yaml\n");
  const Checked checked = Check(file.path());
  EXPECT_EQ(checked.exit_code, 1);
  EXPECT_THAT(checked.err, HasSubstr(":1: cors-origin: \"(\" is no regular expression: "));
  EXPECT_THAT(checked.err, HasSubstr("\"/nowhere/rules.yaml\" cannot be read: No such file"));
  EXPECT_THAT(checked.err, testing::Not(HasSubstr("*")));
}

TEST(CheckConfig, AFileThatIsNotThereIsAnError) {
  EXPECT_EQ(Check("/nowhere.yaml").err, "/nowhere.yaml: is not there\n");
  EXPECT_EQ(Check("/nowhere.yaml").exit_code, 1);
}

}  // namespace
}  // namespace leadline::cli
