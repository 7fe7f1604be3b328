// What a credential plugin prints: a credential or an error, whatever it is.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "absl/status/status.h"

#include "kube/auth/exec_credential.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const char* version :
       {"client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1"}) {
    const auto decoded = leadline::kube::auth::DecodeExecCredential(text, version);
    if (!decoded.ok() && !absl::IsInvalidArgument(decoded.status())) abort();
  }
  return 0;
}
