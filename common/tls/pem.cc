#include "common/tls/pem.h"

#include <ctime>
#include <memory>
#include <optional>
#include <vector>

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "common/file.h"
#include "common/status_macros.h"

namespace leadline::tls {
namespace {

template <auto kFree>
struct Free {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Bio = std::unique_ptr<BIO, Free<BIO_free>>;
using X509Certificate = std::unique_ptr<X509, Free<X509_free>>;
using PrivateKey = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;

Bio Reader(const std::string& pem) {
  return Bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

absl::Status Error(const std::string& file, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("{}: {}", file, what));
}

// OpenSSL's reason for what failed last; forgets it.
std::string TakeReason() {
  const unsigned long code = ERR_peek_last_error();  // NOLINT(google-runtime-int): OpenSSL's type
  ERR_clear_error();
  const char* const reason = ERR_reason_error_string(code);
  return reason == nullptr ? "unknown error" : reason;
}

// Whether the last failure is only that nothing more follows; forgets it.
bool TakeEnd() {
  const auto code = ERR_peek_last_error();
  const bool end = ERR_GET_LIB(code) == ERR_LIB_PEM && ERR_GET_REASON(code) == PEM_R_NO_START_LINE;
  if (end) ERR_clear_error();
  return end;
}

}  // namespace

absl::StatusOr<std::string> ReadPem(const std::string& file) {
  LL_ASSIGN_OR_RETURN(std::optional<std::string> text, ReadFile(file, kMaxPemBytes));
  if (!text.has_value()) return Error(file, "is not there");
  return *std::move(text);
}

absl::StatusOr<int64_t> CheckCertificates(const std::string& file, const std::string& pem) {
  ERR_clear_error();
  const Bio bio = Reader(pem);
  std::optional<int64_t> expiry;
  for (int count = 0;; ++count) {
    const X509Certificate certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (certificate == nullptr) {
      if (!TakeEnd()) {
        return Error(file, fmt::format("certificate {} is broken: {}", count + 1, TakeReason()));
      }
      if (count == 0) return Error(file, "has no certificate in PEM");
      return *expiry;
    }
    if (count > 0) continue;
    std::tm end{};
    ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &end);
    expiry = timegm(&end);
  }
}

absl::Status CheckKey(const std::string& key_file, const std::string& key_pem,
                      const std::string& cert_file, const std::string& cert_pem) {
  ERR_clear_error();
  if (key_pem.find("PRIVATE KEY-----") == std::string::npos) {
    return Error(key_file, "has no private key in PEM");
  }
  bool asked_for_password = false;
  const auto no_password = [](char*, int, int, void* asked) {
    *static_cast<bool*>(asked) = true;
    return -1;
  };
  const PrivateKey key(
      PEM_read_bio_PrivateKey(Reader(key_pem).get(), nullptr, no_password, &asked_for_password));
  if (key == nullptr) {
    if (asked_for_password) return Error(key_file, "the key is encrypted, which is not supported");
    return Error(key_file, fmt::format("the key is broken: {}", TakeReason()));
  }
  const X509Certificate certificate(
      PEM_read_bio_X509(Reader(cert_pem).get(), nullptr, nullptr, nullptr));
  const bool match =
      certificate != nullptr && X509_check_private_key(certificate.get(), key.get()) == 1;
  ERR_clear_error();
  if (match) return absl::OkStatus();
  return Error(key_file, fmt::format("is not the key of the certificate in {}", cert_file));
}

}  // namespace leadline::tls
