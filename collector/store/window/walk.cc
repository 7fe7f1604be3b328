#include "collector/store/window/walk.h"

#include <memory>

#include <rocksdb/db.h>
#include <rocksdb/iterator.h>
#include <rocksdb/options.h>

#include "collector/store/window/rocks.h"
#include "common/status_macros.h"

namespace leadline::collector::store::window {

absl::Status WalkRows(
    const std::string& path,
    absl::FunctionRef<absl::Status(std::string_view key, std::string_view value)> visit) {
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status =
      rocksdb::DB::OpenForReadOnly(WindowOptions(Shared{}, /*create=*/false), path, &opened);
  const std::unique_ptr<rocksdb::DB> db(opened);
  LL_RETURN_IF_ERROR(FromOpen(status, path));
  const std::unique_ptr<rocksdb::Iterator> rows(db->NewIterator(Reading()));
  for (rows->SeekToFirst(); rows->Valid(); rows->Next()) {
    LL_RETURN_IF_ERROR(visit(rows->key().ToStringView(), rows->value().ToStringView()));
  }
  return FromRocks(rows->status(), path, "read");
}

}  // namespace leadline::collector::store::window
