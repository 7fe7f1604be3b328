// Reads the metadata of single objects.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "absl/status/statusor.h"

#include "common/clock.h"
#include "kube/client_config.h"
#include "kube/discovery.h"
#include "kube/http_session.h"
#include "kube/object.h"
#include "kube/owner_chain.h"

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
// object where a server does not know that. Where the objects of a kind are is found by Discovery.
class ApiMetadataSource final : public MetadataSource {
 public:
  // INVALID_ARGUMENT as from Validate. `clock` outlives the source.
  static absl::StatusOr<std::unique_ptr<ApiMetadataSource>> Open(const ClientConfig& config,
                                                                 const Clock& clock);

  absl::StatusOr<ObjectMeta> Get(const Owner& object, const std::string& namespace_name) override;
  void Stop() override { session_->Stop(); }

 private:
  ApiMetadataSource(std::unique_ptr<HttpSession> session, const Clock& clock)
      : session_(std::move(session)), discovery_(*session_, clock) {}
  absl::StatusOr<ObjectMeta> GetAt(const ServedResource& resource,
                                   const std::string& namespace_name, const std::string& name);

  const std::unique_ptr<HttpSession> session_;
  Discovery discovery_;
};

}  // namespace leadline::kube
