// The log's segments for one who reads them behind the store: what the store is done with stays
// until the reader is, too.
//
// The store is given Files of this: when it removes a segment that is still needed, the segment
// gets another name (a hard link) in a directory of the reader's first, so that nothing is copied
// and nothing is missing after a crash. Bounded: the reader drops the oldest of those when they are
// too many.
//
// Errors: those of the file system, with the path. Threading: any thread. Ownership: `files`
// outlives it, and it the store.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "collector/store/file/files.h"

namespace leadline::collector::remote::send {

class KeptSegments {
 public:
  // `log_dir`: the store's; `kept_dir` is made when missing.
  static absl::StatusOr<std::unique_ptr<KeptSegments>> Open(store::file::Files& files,
                                                            std::string log_dir,
                                                            std::string kept_dir);

  // What the store is to use in place of `files`.
  store::file::Files& files() { return *wrapped_; }

  // Segments before this one are not needed; removes those that are kept.
  absl::Status NeedFrom(uint64_t segment);

  // Of those that the store has itself: the oldest, or `none` where it has none.
  absl::StatusOr<uint64_t> OldestOfStore(uint64_t none) const;

  // Of all that are there, in either directory, in order.
  absl::StatusOr<std::vector<uint64_t>> Numbers() const;

  // At most `max_bytes` of the segment from `offset` on; fewer at its end. NOT_FOUND where the
  // segment is not there.
  absl::StatusOr<std::string> Read(uint64_t segment, uint64_t offset, size_t max_bytes) const;

  // Of those that only the reader has.
  uint64_t kept_bytes() const;
  // The oldest of those.
  std::optional<uint64_t> OldestKept() const;

 private:
  class LinkingFiles;

  KeptSegments(store::file::Files& files, std::string log_dir, std::string kept_dir);
  // Before the store removes `path`.
  absl::Status Keep(const std::string& path);
  std::string KeptPath(uint64_t segment) const;

  store::file::Files& base_;
  const std::string log_dir_;
  const std::string kept_dir_;
  std::unique_ptr<store::file::Files> wrapped_;
  std::atomic<uint64_t> needed_from_{0};
};

}  // namespace leadline::collector::remote::send
