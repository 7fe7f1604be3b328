#include "common/tls/reloading.h"

namespace leadline::tls {

FileStamp FileStamp::Of(const std::string& file) {
  struct stat found {};
  if (stat(file.c_str(), &found) != 0) return {};
  constexpr int64_t kNsPerSecond = 1'000'000'000;
  return {.device = found.st_dev,
          .inode = found.st_ino,
          .size_bytes = found.st_size,
          .modified_ns = found.st_mtim.tv_sec * kNsPerSecond + found.st_mtim.tv_nsec,
          .changed_ns = found.st_ctim.tv_sec * kNsPerSecond + found.st_ctim.tv_nsec};
}

}  // namespace leadline::tls
