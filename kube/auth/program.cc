#include "kube/auth/program.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "common/status_macros.h"

namespace leadline::kube::auth {
namespace {

using SteadyClock = std::chrono::steady_clock;

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { Close(); }
  void Close() {
    if (fd_ >= 0) close(fd_);
    fd_ = -1;
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

struct Pipe {
  Descriptor read;
  Descriptor write;
};

absl::StatusOr<Pipe> MakePipe() {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0) {
    return absl::ResourceExhaustedError(fmt::format("pipe: {}", std::strerror(errno)));
  }
  fcntl(fds[0], F_SETFL, O_NONBLOCK);  // only our end
  return Pipe{Descriptor(fds[0]), Descriptor(fds[1])};
}

std::vector<char*> Pointers(const std::vector<std::string>& texts, const std::string* first) {
  std::vector<char*> pointers;
  if (first != nullptr) pointers.push_back(const_cast<char*>(first->c_str()));
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

absl::Status CannotRun(const std::string& file, int error) {
  const std::string text = fmt::format("{}: {}", file, std::strerror(error));
  if (error == ENOENT) return absl::NotFoundError(text);
  if (error == EACCES || error == EPERM) return absl::PermissionDeniedError(text);
  return absl::FailedPreconditionError(text);
}

absl::StatusOr<pid_t> Spawn(const Program& program, int output, int errors) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&actions, STDERR_FILENO + 1);

  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawnattr_setpgroup(&attributes, 0);
  sigset_t signals;
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&attributes, &signals);
  for (const int signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP}) sigaddset(&signals, signal);
  posix_spawnattr_setsigdefault(&attributes, &signals);

  pid_t pid = 0;
  const int error = posix_spawnp(&pid, program.file.c_str(), &actions, &attributes,
                                 Pointers(program.args, &program.file).data(),
                                 Pointers(program.environment, nullptr).data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return CannotRun(program.file, error);
  return pid;
}

// Takes what is there; closes `pipe` at its end.
void Drain(Descriptor& pipe, std::string& text) {
  char buffer[16 << 10];
  while (pipe.get() >= 0) {
    const ssize_t size = read(pipe.get(), buffer, sizeof buffer);
    if (size > 0) {
      text.append(buffer, static_cast<size_t>(size));
      return;  // so that limits are looked at in between
    }
    if (size < 0 && errno == EINTR) continue;
    if (size == 0 || errno != EAGAIN) pipe.Close();
    return;
  }
}

class Child {
 public:
  Child(const Program& program, pid_t pid, Descriptor output, Descriptor errors)
      : program_(program),
        pid_(pid),
        exited_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))),
        output_(std::move(output)),
        errors_(std::move(errors)) {}
  ~Child() {
    if (reaped_) return;
    kill(-pid_, SIGKILL);
    Reap();
  }

  absl::StatusOr<ProgramEnd> Wait(int stop_fd);

 private:
  absl::Status Read();
  void Reap() {
    while (waitpid(pid_, &wait_status_, 0) < 0 && errno == EINTR) {
    }
    reaped_ = true;
  }

  const Program& program_;
  const pid_t pid_;
  const Descriptor exited_;
  Descriptor output_;
  Descriptor errors_;
  bool reaped_ = false;
  int wait_status_ = 0;
  ProgramEnd end_;
};

absl::Status Child::Read() {
  Drain(output_, end_.output);
  Drain(errors_, end_.errors);
  if (end_.errors.size() > kMaxErrorBytes) {
    end_.errors.erase(0, end_.errors.size() - kMaxErrorBytes);
  }
  if (end_.output.size() <= program_.max_output_bytes) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      fmt::format("{}: prints more than {} bytes", program_.file, program_.max_output_bytes));
}

absl::StatusOr<ProgramEnd> Child::Wait(int stop_fd) {
  if (exited_.get() < 0) {
    return absl::FailedPreconditionError(
        fmt::format("{}: pidfd_open: {}", program_.file, std::strerror(errno)));
  }
  const auto deadline = SteadyClock::now() + std::chrono::milliseconds(program_.time_limit_ms);
  while (true) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - SteadyClock::now());
    if (left.count() <= 0) {
      return absl::DeadlineExceededError(
          fmt::format("{}: has not ended within {} ms", program_.file, program_.time_limit_ms));
    }
    pollfd fds[] = {{.fd = stop_fd, .events = POLLIN},
                    {.fd = exited_.get(), .events = POLLIN},
                    {.fd = output_.get(), .events = POLLIN},
                    {.fd = errors_.get(), .events = POLLIN}};
    if (poll(fds, 4, static_cast<int>(left.count())) < 0 && errno != EINTR) {
      return absl::InternalError(fmt::format("poll: {}", std::strerror(errno)));
    }
    if (fds[0].revents != 0) return absl::CancelledError(program_.file + ": stopped");
    LL_RETURN_IF_ERROR(Read());
    // What it printed before its end is in the pipes; a child of its own may hold them open.
    const bool empty = fds[2].revents == 0 && fds[3].revents == 0;
    if (fds[1].revents != 0 && (empty || (output_.get() < 0 && errors_.get() < 0))) break;
  }
  Reap();
  end_.exit_code =
      WIFEXITED(wait_status_) ? WEXITSTATUS(wait_status_) : 128 + WTERMSIG(wait_status_);
  return std::move(end_);
}

}  // namespace

absl::StatusOr<ProgramEnd> RunProgram(const Program& program, int stop_fd) {
  LL_ASSIGN_OR_RETURN(Pipe output, MakePipe());
  LL_ASSIGN_OR_RETURN(Pipe errors, MakePipe());
  LL_ASSIGN_OR_RETURN(const pid_t pid, Spawn(program, output.write.get(), errors.write.get()));
  output.write.Close();
  errors.write.Close();
  return Child(program, pid, std::move(output.read), std::move(errors.read)).Wait(stop_fd);
}

}  // namespace leadline::kube::auth
