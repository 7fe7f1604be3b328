// What the tests of kubeconfigs share.
#pragma once

#include <cstdio>
#include <filesystem>
#include <map>
#include <string>

#include <gtest/gtest.h>

#include "kube/config/environment.h"

namespace leadline::kube::config {

// A folder that is removed with the object.
class TemporaryFolder {
 public:
  TemporaryFolder() : path_(testing::TempDir() + "leadline_config_XXXXXX") {
    if (mkdtemp(path_.data()) == nullptr) ADD_FAILURE() << "no temporary folder";
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }

  const std::string& path() const { return path_; }
  std::string Write(const std::string& name, const std::string& content) const {
    std::string file = path_ + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(file).parent_path());
    FILE* out = std::fopen(file.c_str(), "w");
    std::fputs(content.c_str(), out);
    std::fclose(out);
    return file;
  }

 private:
  std::string path_;
};

inline Environment Variables(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const std::string& name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::string() : found->second;
  };
}

}  // namespace leadline::kube::config
