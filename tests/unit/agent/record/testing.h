// Recordings in memory for the tests of this folder.
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "agent/record/format.h"

namespace leadline::agent::record {

inline constexpr Header kHeader = {.id = {.high = 1, .low = 2}, .begun_unix_ms = 1'700'000'000'000};

// A file that the test may write, removed with it.
class TempFile {
 public:
  TempFile()
      : path_(std::filesystem::temp_directory_path() /
              (std::string("leadline-record-") +
               testing::UnitTest::GetInstance()->current_test_info()->name() + "-" +
               RandomId().ToHex())) {}
  ~TempFile() { std::filesystem::remove(path_); }

  std::string path() const { return path_.string(); }
  std::string Bytes() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void Write(std::string_view bytes) const { std::ofstream(path_, std::ios::binary) << bytes; }

 private:
  const std::filesystem::path path_;
};

}  // namespace leadline::agent::record
