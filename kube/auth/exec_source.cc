#include "kube/auth/exec_source.h"

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "absl/time/time.h"
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "common/status_text.h"
#include "kube/auth/program.h"

namespace leadline::kube::auth {
namespace {

constexpr char kInfoVariable[] = "KUBERNETES_EXEC_INFO";
// A credential is renewed so long before it expires, for the request that is on its way by then.
constexpr int64_t kRenewEarlyMs = 5'000;
// How soon one who waits for another's run notices that he is to stop.
constexpr absl::Duration kStopCheck = absl::Milliseconds(100);

bool IsReadable(int fd) {
  pollfd one{.fd = fd, .events = POLLIN, .revents = 0};
  return poll(&one, 1, 0) > 0;
}

// On one line, as errors and logs are.
std::string OneLine(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool plain = static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
    if (plain || (!line.empty() && line.back() != ' ')) line += plain ? c : ' ';
  }
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line;
}

}  // namespace

ExecSource::ExecSource(ExecOptions options, const Clock& clock)
    : options_(std::move(options)), clock_(clock) {}

absl::StatusOr<Credential> ExecSource::Get(int stop_fd) {
  {
    MutexLock lock(mutex_);
    while (true) {
      const bool fresh =
          current_ && (current_->expires_unix_ms == 0 ||
                       clock_.NowUnixMs() < current_->expires_unix_ms - kRenewEarlyMs);
      if (fresh) return current_->credential;
      if (!running_) break;
      changed_.WaitFor(mutex_, kStopCheck);
      if (IsReadable(stop_fd)) {
        return absl::CancelledError(fmt::format("credential plugin {}: stopped", options_.command));
      }
    }
    running_ = true;
  }
  absl::StatusOr<PluginCredential> found = RunPlugin(stop_fd);
  MutexLock lock(mutex_);
  running_ = false;
  changed_.NotifyAll();
  if (!found.ok()) return found.status();
  found->credential.serial = ++serial_;
  current_ = *std::move(found);
  return current_->credential;
}

void ExecSource::Refused(uint64_t serial) {
  MutexLock lock(mutex_);
  if (current_ && current_->credential.serial == serial) current_.reset();
}

absl::StatusOr<PluginCredential> ExecSource::RunPlugin(int stop_fd) const {
  const auto failed = [&](std::string_view why) {
    return absl::UnauthenticatedError(
        fmt::format("credential plugin {}: {}", options_.command, why));
  };
  spdlog::debug("running credential plugin {}", options_.command);
  const auto end = RunProgram({.file = options_.command,
                               .args = options_.args,
                               .environment = Environment(),
                               .time_limit_ms = options_.time_limit_ms},
                              stop_fd);
  if (end.status().code() == absl::StatusCode::kCancelled) return end.status();
  if (end.status().code() == absl::StatusCode::kNotFound && !options_.install_hint.empty()) {
    return failed(
        fmt::format("{}: {}", StatusMessage(end.status()), OneLine(options_.install_hint)));
  }
  if (!end.ok()) return failed(StatusMessage(end.status()));
  if (end->exit_code != 0) {
    return failed(fmt::format("exit code {}: {}", end->exit_code,
                              end->errors.empty() ? "it says nothing" : OneLine(end->errors)));
  }
  auto credential = DecodeExecCredential(end->output, options_.api_version);
  if (!credential.ok()) return failed(StatusMessage(credential.status()));
  return credential;
}

std::vector<std::string> ExecSource::Environment() const {
  std::vector<std::pair<std::string, std::string>> own = options_.environment;
  own.emplace_back(kInfoVariable,
                   ExecInfo(options_.api_version, options_.cluster ? &*options_.cluster : nullptr));
  std::vector<std::string> all;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string_view text = *variable;
    const std::string_view name = text.substr(0, text.find('='));
    const bool replaced =
        std::any_of(own.begin(), own.end(), [&](const auto& entry) { return entry.first == name; });
    if (!replaced) all.emplace_back(text);
  }
  for (const auto& [name, value] : own) all.push_back(fmt::format("{}={}", name, value));
  return all;
}

}  // namespace leadline::kube::auth
