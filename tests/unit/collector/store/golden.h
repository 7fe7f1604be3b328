// Golden files of the on-disk formats: what is written must be them byte for byte.
//
// With LEADLINE_UPDATE_GOLDEN set they are written instead; a difference in review is then a change
// of format, which needs a new version.
#pragma once

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace leadline::collector::store {

// Gives the golden file's bytes, after it was compared with what is written now.
inline std::string Golden(const std::string& name, std::string_view written) {
  const std::string path = std::string(LEADLINE_SOURCE_DIR) + "/tests/golden/store/" + name;
  if (std::getenv("LEADLINE_UPDATE_GOLDEN") != nullptr) {
    std::ofstream(path, std::ios::binary) << written;
  }
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << path;
  std::string golden{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(golden, written) << path;
  return golden;
}

}  // namespace leadline::collector::store
