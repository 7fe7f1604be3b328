#include "agent/probes/bpf_iterator.h"

#include <bpf/bpf.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "fmt/format.h"

namespace leadline::agent::probes {
namespace {

constexpr size_t kLeastRead = 32 << 10;  // of the kernel's own buffer

absl::Status Failed(std::string_view name, const char* what) {
  return absl::InternalError(
      fmt::format("BPF iterator {}: cannot {}: {}", name, what, std::strerror(errno)));
}

}  // namespace

absl::Status RunBpfIterator(int link_fd, std::string_view name, std::vector<std::byte>& output) {
  const int fd = bpf_iter_create(link_fd);
  if (fd < 0) return Failed(name, "start it");
  absl::Status status;
  size_t size = 0;
  while (true) {
    output.resize(std::max(output.capacity(), size + kLeastRead));
    const ssize_t got = read(fd, output.data() + size, output.size() - size);
    if (got > 0) {
      size += static_cast<size_t>(got);
      continue;
    }
    // EAGAIN: it has gone over many objects and written nothing.
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got < 0) status = Failed(name, "read it");
    break;
  }
  close(fd);
  output.resize(size);
  return status;
}

}  // namespace leadline::agent::probes
