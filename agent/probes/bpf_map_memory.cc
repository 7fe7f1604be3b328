#include "agent/probes/bpf_map_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "fmt/format.h"

namespace leadline::agent::probes {

BpfMapMemory::BpfMapMemory(BpfMapMemory&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

BpfMapMemory& BpfMapMemory::operator=(BpfMapMemory&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

BpfMapMemory::~BpfMapMemory() {
  if (data_ != nullptr) munmap(data_, size_);
}

absl::StatusOr<BpfMapMemory> BpfMapMemory::Map(int map_fd, size_t bytes, std::string_view name) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  BpfMapMemory memory;
  memory.size_ = (bytes + page - 1) / page * page;
  void* data = mmap(nullptr, memory.size_, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
  if (data == MAP_FAILED) {
    return absl::InternalError(
        fmt::format("BPF map {}: mmap of {} bytes: {}", name, memory.size_, std::strerror(errno)));
  }
  memory.data_ = static_cast<std::byte*>(data);
  return memory;
}

}  // namespace leadline::agent::probes
