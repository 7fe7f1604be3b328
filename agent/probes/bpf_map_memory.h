// The values of a BPF array map (BPF_F_MMAPABLE), mapped into this process.
//
// The kernel writes them at any time: read with atomic loads. Movable; unmaps when destroyed.
#pragma once

#include <cstddef>
#include <string_view>

#include "absl/status/statusor.h"

namespace leadline::agent::probes {

class BpfMapMemory {
 public:
  BpfMapMemory() = default;
  BpfMapMemory(BpfMapMemory&& other) noexcept;
  BpfMapMemory& operator=(BpfMapMemory&& other) noexcept;
  ~BpfMapMemory();

  // `name` is for the error.
  static absl::StatusOr<BpfMapMemory> Map(int map_fd, size_t bytes, std::string_view name);

  std::byte* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

}  // namespace leadline::agent::probes
