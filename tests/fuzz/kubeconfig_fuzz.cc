// A kubeconfig: any bytes are a configuration or an error that names the file.
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "absl/status/status.h"

#include "kube/config/kubeconfig.h"

namespace {

using leadline::kube::config::Kubeconfig;

// A file in memory, always the same, with other contents.
std::string FileOf(const uint8_t* data, size_t size) {
  static const int fd = memfd_create("kubeconfig", 0);
  if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != static_cast<ssize_t>(size)) abort();
  return "/proc/self/fd/" + std::to_string(fd);
}

void CheckError(const absl::Status& status, const std::string& file) {
  if (status.ok()) return;
  if (!absl::IsInvalidArgument(status)) abort();
  if (status.message().find(file) == absl::string_view::npos) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string file = FileOf(data, size);
  const auto config = Kubeconfig::Read(file);
  CheckError(config.status(), file);
  if (!config.ok()) return 0;
  for (const char* context : {"", "a"}) CheckError(config->Client(context).status(), file);
  return 0;
}
