// A text in YAML, one document of it, checked for what yaml-cpp lets pass.
//
// Errors are problems with their lines; nothing is thrown, here and by nodes that are only asked
// for their kind, scalar, mark and children. Source: YAML 1.2; yaml-cpp does the parsing.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <yaml-cpp/yaml.h>

namespace leadline::config {

struct Problem {
  int line = 0;  // from 1; 0: of the file as a whole
  std::string what;
};

// From 1; 0 where there is none.
int LineOf(const YAML::Node& node);

// The document's root, which is null for an empty text; nullopt with at least one problem more.
std::optional<YAML::Node> LoadYaml(const std::string& text, std::vector<Problem>& problems);

}  // namespace leadline::config
