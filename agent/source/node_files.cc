#include "agent/source/node_files.h"

#include <dirent.h>
#include <sys/stat.h>

#include <memory>

#include "agent/record/tape.h"

namespace leadline::agent::source {
namespace {

using record::Taped;
using record::Topic;

Directory ListNow(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(opendir(path.c_str()), closedir);
  struct stat info {};
  if (dir == nullptr || fstat(dirfd(dir.get()), &info) != 0) return {.error = errno};
  Directory directory{
      .error = 0,
      .inode = info.st_ino,
      .entries = {},
      .mtime_ms = info.st_mtim.tv_sec * 1000 + info.st_mtim.tv_nsec / 1'000'000,
  };
  while (const dirent* entry = readdir(dir.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    directory.entries.push_back({std::string(name), entry->d_type == DT_DIR});
  }
  return directory;
}

}  // namespace

Directory ListDirectory(const std::string& path) {
  return Taped(Topic::kDirectory, path, [&] { return ListNow(path); });
}

Inode InodeOf(const std::string& path) {
  return Taped(Topic::kInode, path, [&]() -> Inode {
    struct stat info {};
    if (stat(path.c_str(), &info) != 0) return {.error = errno};
    return {.error = 0, .number = info.st_ino};
  });
}

}  // namespace leadline::agent::source
