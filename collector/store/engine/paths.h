// Where things are in the data directory (docs/format/README.md).
#pragma once

#include <string>

namespace leadline::collector::store::engine {

struct Paths {
  explicit Paths(const std::string& data_dir)
      : dir(data_dir),
        lock(data_dir + "/LOCK"),
        log(data_dir + "/log"),
        windows(data_dir + "/windows"),
        quarantine(data_dir + "/quarantine") {}

  const std::string dir;
  const std::string lock;
  const std::string log;
  const std::string windows;
  const std::string quarantine;
};

}  // namespace leadline::collector::store::engine
