#include "tests/unit/common/tls/authority/test_authority.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

namespace leadline {
namespace {

void Must(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "cannot %s\n", what);
  std::abort();
}

template <typename Write>
std::string ToPem(Write write) {
  BIO* const bio = BIO_new(BIO_s_mem());
  Must(write(bio) == 1, "write PEM");
  char* data = nullptr;
  const auto size = static_cast<size_t>(BIO_get_mem_data(bio, &data));
  std::string pem(data, size);
  BIO_free(bio);
  return pem;
}

std::string KeyPem(EVP_PKEY* key, const EVP_CIPHER* cipher = nullptr) {
  return ToPem([&](BIO* bio) {
    const std::string password = "secret";
    return PEM_write_bio_PKCS8PrivateKey(bio, key, cipher, password.data(),
                                         static_cast<int>(password.size()), nullptr, nullptr);
  });
}

void Extend(X509* certificate, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  Must(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1, "add an extension");
  X509_EXTENSION_free(extension);
}

X509* Make(const std::string& name, EVP_PKEY* key, absl::Duration expires_in) {
  X509* const certificate = X509_new();
  X509_set_version(certificate, 2);
  uint32_t serial = 0;
  Must(RAND_bytes(reinterpret_cast<uint8_t*>(&serial), sizeof(serial)) == 1, "draw a number");
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate), serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -2 * 24 * 3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), absl::ToInt64Seconds(expires_in));
  X509_set_pubkey(certificate, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
                             reinterpret_cast<const uint8_t*>(name.data()),
                             static_cast<int>(name.size()), -1, 0);
  return certificate;
}

void Sign(X509* certificate, X509* issuer, EVP_PKEY* issuer_key) {
  X509_set_issuer_name(certificate, X509_get_subject_name(issuer));
  Must(X509_sign(certificate, issuer_key, EVP_sha256()) > 0, "sign");
}

std::string CertificatePem(X509* certificate) {
  return ToPem([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}

}  // namespace

TestAuthority::TestAuthority(const std::string& name)
    : key_(EVP_EC_gen("P-256")), certificate_(Make(name, key_, absl::Hours(24))) {
  Extend(certificate_, NID_basic_constraints, "critical,CA:TRUE");
  Extend(certificate_, NID_key_usage, "critical,keyCertSign");
  Sign(certificate_, certificate_, key_);
  pem_ = CertificatePem(certificate_);
}

TestAuthority::~TestAuthority() {
  X509_free(certificate_);
  EVP_PKEY_free(key_);
}

KeyPair TestAuthority::Issue(const Subject& subject) const {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate = Make(subject.name, key, subject.expires_in);
  if (!subject.alternatives.empty()) {
    Extend(certificate, NID_subject_alt_name,
           fmt::format("{}", fmt::join(subject.alternatives, ",")));
  }
  Sign(certificate, certificate_, key_);
  KeyPair pair{.certificate = CertificatePem(certificate), .key = KeyPem(key)};
  X509_free(certificate);
  EVP_PKEY_free(key);
  return pair;
}

std::string Encrypted(const std::string& key_pem) {
  BIO* const bio = BIO_new_mem_buf(key_pem.data(), static_cast<int>(key_pem.size()));
  EVP_PKEY* const key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  Must(key != nullptr, "read a key");
  std::string encrypted = KeyPem(key, EVP_aes_128_cbc());
  EVP_PKEY_free(key);
  BIO_free(bio);
  return encrypted;
}

FileFolder::FileFolder()
    : path_((std::filesystem::temp_directory_path() / "leadline_tls_XXXXXX").string()) {
  Must(mkdtemp(path_.data()) != nullptr, "make a temporary folder");
}

FileFolder::~FileFolder() { std::filesystem::remove_all(path_); }

std::string FileFolder::Write(const std::string& name, const std::string& text) const {
  std::string path = Path(name);
  std::ofstream(path + ".new") << text;
  std::filesystem::rename(path + ".new", path);
  return path;
}

}  // namespace leadline
