#include "agent/record/recorder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "common/status_macros.h"

namespace leadline::agent::record {
namespace {

constexpr size_t kFlushBytes = 1 << 20;

// Pipes and devices have nothing to lose.
absl::Status CheckReplaceable(const std::string& path) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode) || info.st_size == 0) {
    return absl::OkStatus();
  }
  std::string begin(kHeaderBytes, '\0');
  std::ifstream file(path, std::ios::binary);
  file.read(begin.data(), static_cast<std::streamsize>(begin.size()));
  if (IsRecording(begin)) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format(
      "recording {}: the file is there and is no recording, so it is not replaced: name "
      "another, or remove it",
      path));
}

}  // namespace

absl::StatusOr<std::unique_ptr<Recorder>> Recorder::Create(const std::string& path,
                                                           const Header& header,
                                                           prometheus::Registry& registry) {
  LL_RETURN_IF_ERROR(CheckReplaceable(path));
  // It holds the commands and names of everything on the node.
  constexpr mode_t kOnlyOwner = 0600;
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kOnlyOwner);
  if (fd < 0) {
    return absl::InvalidArgumentError(
        fmt::format("recording {}: cannot be written: {}", path, std::strerror(errno)));
  }
  std::unique_ptr<Recorder> recorder(new Recorder(path, fd, registry));
  if (!recorder->Write(EncodeHeader(header))) {
    return absl::InvalidArgumentError(fmt::format("recording {}: cannot be written", path));
  }
  return recorder;
}

Recorder::Recorder(std::string path, int fd, prometheus::Registry& registry)
    : path_(std::move(path)),
      fd_(fd),
      bytes_(prometheus::BuildCounter()
                 .Name("leadline_agent_recording_bytes_total")
                 .Help("Bytes written to the recording.")
                 .Register(registry)
                 .Add({})),
      lost_(prometheus::BuildCounter()
                .Name("leadline_agent_recording_answers_lost_total")
                .Help("What the agent was told and the recording has not: it was too large, or the "
                      "file could not be written.")
                .Register(registry)
                .Add({})) {}

Recorder::~Recorder() {
  AppendEntry({.topic = Topic::kEnd}, contents_);
  Flush();
  if (fd_ >= 0) close(fd_);
}

void Recorder::Keep(Topic topic, std::string_view key, std::string_view answer) {
  if (fd_ < 0 || key.size() + answer.size() > kMaxAnswerBytes) {
    lost_.Increment();
    return;
  }
  if (contents_.size() + key.size() + answer.size() >= kFlushBytes) Flush();
  AppendEntry({topic, key, answer}, contents_);
}

void Recorder::EndTurn(int64_t unix_ms) {
  std::string answer;
  ArchiveWriter(answer).Put(unix_ms);
  AppendEntry({.topic = Topic::kTurn, .answer = answer}, contents_);
  Flush();
}

void Recorder::Flush() {
  if (fd_ < 0 || contents_.empty()) return;
  const absl::StatusOr<std::string> block = blocks_.Block(contents_);
  contents_.clear();
  if (!block.ok()) {
    spdlog::error("recording {} ends here: {}", path_, block.status().ToString());
    close(std::exchange(fd_, -1));
    return;
  }
  Write(*block);
}

bool Recorder::Write(std::string_view bytes) {
  const off_t begin = lseek(fd_, 0, SEEK_CUR);
  for (size_t written = 0; written < bytes.size();) {
    const ssize_t got = write(fd_, bytes.data() + written, bytes.size() - written);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      spdlog::error("recording {} ends here: {}", path_, std::strerror(errno));
      // So that it is whole; a pipe cannot be cut, and then ends within a block.
      if (begin < 0 || ftruncate(fd_, begin) != 0) {
        spdlog::error("recording {}: its last block is not whole", path_);
      }
      close(std::exchange(fd_, -1));
      return false;
    }
    written += static_cast<size_t>(got);
  }
  bytes_.Increment(static_cast<double>(bytes.size()));
  return true;
}

}  // namespace leadline::agent::record
