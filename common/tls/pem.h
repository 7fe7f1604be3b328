// Certificates and keys in PEM, checked before they are used.
//
// Errors are INVALID_ARGUMENT and name the file. Any thread. OpenSSL does the work.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace leadline::tls {

inline constexpr size_t kMaxPemBytes = size_t{1} << 20;

// The text of a PEM file, which must be there.
absl::StatusOr<std::string> ReadPem(const std::string& file);

// That there are certificates in `pem` and nothing that is broken. The time at which the first of
// them expires, in Unix seconds.
absl::StatusOr<int64_t> CheckCertificates(const std::string& file, const std::string& pem);

// That `key_pem` is a private key, not encrypted, and that of the first certificate.
absl::Status CheckKey(const std::string& key_file, const std::string& key_pem,
                      const std::string& cert_file, const std::string& cert_pem);

}  // namespace leadline::tls
