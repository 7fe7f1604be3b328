// A certificate authority for tests, and certificates of it that are right or wrong on purpose.
//
// Keys are of the curve P-256, made anew each time. A failure of OpenSSL ends the test.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include <openssl/evp.h>
#include <openssl/x509.h>

namespace leadline {

struct KeyPair {
  std::string certificate;  // PEM
  std::string key;
};

struct Subject {
  std::string name = "leadline-test";
  std::vector<std::string> alternatives = {"IP:127.0.0.1", "DNS:localhost"};
  absl::Duration expires_in = absl::Hours(1);
};

class TestAuthority {
 public:
  explicit TestAuthority(const std::string& name = "Test CA");
  ~TestAuthority();

  const std::string& certificate() const { return pem_; }
  KeyPair Issue(const Subject& subject = {}) const;

 private:
  EVP_PKEY* key_;
  X509* certificate_;
  std::string pem_;
};

// The key in PEM under a password.
std::string Encrypted(const std::string& key_pem);

// A folder with files, removed with the object.
class FileFolder {
 public:
  FileFolder();
  ~FileFolder();
  // The file's path. As by an editor or a Secret: another file under the same name.
  std::string Write(const std::string& name, const std::string& text) const;
  std::string Path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace leadline
