// A configuration file: YAML, one map of keys to values or lists of values.
//
//   interval: 10s
//   http: 127.0.0.1:7072
//
// Values are texts as they stand in the file; what they must be, and which keys there are, is for
// the reader of the entries. Every problem of the file is found in one go where YAML allows it: a
// syntax error hides what follows it.
//
// Bounds: files of at most kMaxConfigBytes. Errors name the line. Source: YAML 1.2; yaml-cpp does
// the parsing. Plain values.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "common/config/yaml_text.h"

namespace leadline::config {

inline constexpr size_t kMaxConfigBytes = size_t{1} << 20;

enum class Kind {
  kNothing,  // "key:", null or ~
  kValue,    // values has one
  kList,     // values has those of the list
};

struct Entry {
  std::string key;
  int line = 0;  // of the key, from 1
  Kind kind = Kind::kNothing;
  std::vector<std::string> values = {};
};

struct ConfigFile {
  std::vector<Entry> entries;     // in the order of the file, every key once
  std::vector<Problem> problems;  // in the order of the file
};

ConfigFile ParseConfig(const std::string& text);

// As ParseConfig; a file that cannot be read is a problem of the file as a whole.
ConfigFile ReadConfig(const std::string& path);

}  // namespace leadline::config
