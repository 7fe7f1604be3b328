// Golden files of the on-disk formats: what is written must be them byte for byte.
//
// With LEADLINE_UPDATE_GOLDEN set they are written instead; a difference in review is then a change
// of format, which needs a new version. Files of versions before are only read.
#pragma once

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace leadline::collector::store {

inline std::string GoldenPath(const std::string& name) {
  return std::string(LEADLINE_SOURCE_DIR) + "/tests/golden/store/" + name;
}

inline std::string ReadGolden(const std::string& name) {
  std::ifstream file(GoldenPath(name), std::ios::binary);
  EXPECT_TRUE(file.is_open()) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

// Gives the golden file's bytes, after it was compared with what is written now.
inline std::string Golden(const std::string& name, std::string_view written) {
  if (std::getenv("LEADLINE_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(GoldenPath(name), std::ios::binary) << written;
  }
  std::string golden = ReadGolden(name);
  EXPECT_EQ(golden, written) << name;
  return golden;
}

}  // namespace leadline::collector::store
