// What the node's file system says: texts, directories, inodes, each kept by the tape of the thread
// (agent/record/tape.h).
//
// Errors are errno values, 0 for none; what a recording does not have is ENOENT. Threading: any
// thread, those without a tape are not recorded.
#pragma once

#include <sys/types.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace leadline::agent::source {

// Of a file that was read whole.
struct FileText {
  int error = ENOENT;
  std::string_view text;
};

struct DirectoryEntry {
  std::string name;
  bool is_directory = false;  // as the directory says; false also where it does not say
};

struct Directory {
  int error = ENOENT;
  uint64_t inode = 0;
  std::vector<DirectoryEntry> entries;  // without "." and ".."
  int64_t mtime_ms = 0;                 // of the last entry made or removed; Unix time
};
Directory ListDirectory(const std::string& path);

struct Inode {
  int error = ENOENT;
  uint64_t number = 0;
};
// Follows symbolic links.
Inode InodeOf(const std::string& path);

template <typename Archive>
void Fields(Archive& archive, FileText& file) {
  archive("error", file.error, "text", file.text);
}
template <typename Archive>
void Fields(Archive& archive, DirectoryEntry& entry) {
  archive("name", entry.name, "is_directory", entry.is_directory);
}
template <typename Archive>
void Fields(Archive& archive, Directory& directory) {
  archive("error", directory.error, "inode", directory.inode, "entries", directory.entries,
          "mtime_ms", directory.mtime_ms);
}
template <typename Archive>
void Fields(Archive& archive, Inode& inode) {
  archive("error", inode.error, "number", inode.number);
}

}  // namespace leadline::agent::source
