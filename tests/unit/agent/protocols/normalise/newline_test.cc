#include "agent/protocols/normalise/newline.h"

#include <string>

#include <gtest/gtest.h>

namespace leadline::agent::protocols::normalise {
namespace {

TEST(FindNewline, IsTheFirstOfAnyNumberOfBytes) {
  for (size_t size = 0; size <= 50; ++size) {
    const std::string none(size, '\r');
    EXPECT_EQ(FindNewline(none.data(), none.data() + size), nullptr) << size;
    for (size_t at = 0; at < size; ++at) {
      std::string bytes = none;
      bytes[at] = bytes.back() = '\n';
      EXPECT_EQ(FindNewline(bytes.data(), bytes.data() + size), bytes.data() + at) << size;
    }
    // What is behind the end does not count.
    const std::string more = none + "\n";
    EXPECT_EQ(FindNewline(more.data(), more.data() + size), nullptr) << size;
  }
}

}  // namespace
}  // namespace leadline::agent::protocols::normalise
