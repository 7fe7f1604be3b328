// Reads the metadata of single objects.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

#include "common/clock.h"
#include "common/string_map.h"
#include "kube/client_config.h"
#include "kube/http_session.h"
#include "kube/object.h"
#include "kube/owner_chain.h"
#include "kube/resource_path.h"

namespace leadline::kube {

class MetadataSource {
 public:
  virtual ~MetadataSource() = default;

  // By one thread. NOT_FOUND when there is none of that name, PERMISSION_DENIED when we may not
  // read it, UNIMPLEMENTED when the server does not serve its kind, CANCELLED after Stop; others
  // may pass.
  virtual absl::StatusOr<ObjectMeta> Get(const Owner& object,
                                         const std::string& namespace_name) = 0;
  // By any thread: ends a running Get at once.
  virtual void Stop() = 0;
};

// Asks the API server for PartialObjectMetadata, which is all but free for it, and takes the whole
// object where a server does not know that. The resource of a kind that does not come with
// Kubernetes is found by discovery, kept for kDiscoveryTtlMs.
class ApiMetadataSource final : public MetadataSource {
 public:
  static constexpr int64_t kDiscoveryTtlMs = 600'000;
  static constexpr size_t kMaxDiscovered = 256;

  // INVALID_ARGUMENT as from Validate. `clock` outlives the source.
  static absl::StatusOr<std::unique_ptr<ApiMetadataSource>> Open(const ClientConfig& config,
                                                                 const Clock& clock);

  absl::StatusOr<ObjectMeta> Get(const Owner& object, const std::string& namespace_name) override;
  void Stop() override { session_->Stop(); }

 private:
  struct Discovered {
    int64_t until_mono_ns = 0;
    StringMap<ResourceName> by_kind;
  };

  ApiMetadataSource(std::unique_ptr<HttpSession> session, const Clock& clock)
      : session_(std::move(session)), clock_(clock) {}
  absl::StatusOr<ResourceName> FindResource(const Owner& object, const std::string& group_path);
  absl::StatusOr<StringMap<ResourceName>> Discover(const std::string& group_path);

  const std::unique_ptr<HttpSession> session_;
  const Clock& clock_;
  StringMap<Discovered> discovered_;  // by group path
};

}  // namespace leadline::kube
