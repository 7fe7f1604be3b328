// One target of remote write, asked over HTTP by version 1.0.
//
// Not synchronized; Post is ended by `stop`. Source: the specification of remote write 1.0.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace leadline::collector::remote::send {

struct Target {
  std::string url;
  std::string token_file;  // a bearer token, read for each request; "": none
  std::string ca_file;     // authorities for https; "": the system's
  absl::Duration timeout = absl::Seconds(30);
};

struct PostResult {
  // OK: it is taken. INVALID_ARGUMENT: it can never be, for what is in it. FAILED_PRECONDITION: nor
  // can anything else of its kind. UNAVAILABLE: it may come again. The text has what the target
  // said. CANCELLED: stopped.
  absl::Status status;
  absl::Duration retry_after = absl::ZeroDuration();  // what the target asks for
};

class WriteClient {
 public:
  WriteClient(Target target, const std::atomic<bool>& stop);
  ~WriteClient();
  WriteClient(const WriteClient&) = delete;
  WriteClient& operator=(const WriteClient&) = delete;

  PostResult Post(std::string_view packed);

 private:
  const Target target_;
  const std::atomic<bool>& stop_;
  void* const curl_;
};

}  // namespace leadline::collector::remote::send
