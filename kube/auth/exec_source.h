// Credentials from a plugin that a kubeconfig names.
//
// The plugin is run when a credential is needed, and again when it expires or is refused; whoever
// else needs one meanwhile waits for that run. Thread-safe.
// Source: Kubernetes documentation, "client-go credential plugins".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/clock.h"
#include "common/mutex.h"
#include "kube/auth/exec_credential.h"
#include "kube/credentials.h"

namespace leadline::kube::auth {

struct ExecOptions {
  std::string api_version;  // IsKnownExecVersion
  std::string command;
  std::vector<std::string> args;
  std::vector<std::pair<std::string, std::string>> environment;  // besides our own
  std::string install_hint;
  std::optional<ExecCluster> cluster;  // provideClusterInfo
  int64_t time_limit_ms = 60'000;
};

class ExecSource final : public CredentialSource {
 public:
  // `clock` outlives the source.
  ExecSource(ExecOptions options, const Clock& clock);

  absl::StatusOr<Credential> Get(int stop_fd) override ABSL_LOCKS_EXCLUDED(mutex_);
  void Refused(uint64_t serial) override ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  absl::StatusOr<PluginCredential> RunPlugin(int stop_fd) const;
  std::vector<std::string> Environment() const;

  const ExecOptions options_;
  const Clock& clock_;

  Mutex mutex_;
  CondVar changed_;
  bool running_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t serial_ ABSL_GUARDED_BY(mutex_) = 0;
  std::optional<PluginCredential> current_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace leadline::kube::auth
