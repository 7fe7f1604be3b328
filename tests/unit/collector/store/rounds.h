// How long the tests are that go on at random: five times as long with LEADLINE_DEEP=1, as in
// ./dev test --deep.
#pragma once

#include <cstdlib>

namespace leadline::collector::store {

template <typename Number>
Number Rounds(Number few) {
  return std::getenv("LEADLINE_DEEP") == nullptr ? few : few * 5;
}

}  // namespace leadline::collector::store
