// The HTTP front: whatever bytes a connection brings, its requests are answered in HTTP, never with
// 500, and what claims to be JSON is. Three bytes (0xFE, N, c) stand for N x 512 times c: what is
// limited to tens of KiB would not be reached by inputs of that length.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include <boost/json.hpp>

#include "collector/api/api_server.h"
#include "tests/promql/memory_queryable.h"

namespace leadline::collector::api {
namespace {

constexpr int64_t kBaseMs = 1'700'000'000'000;

void Check(bool holds) {
  if (!holds) abort();
}

// The whole API over a few series, for as long as the process lives.
class Front {
 public:
  Front() {
    for (const char* pod : {"a", "b \"\u00fc\""}) {
      store::SeriesBlock series;
      series.labels = std::make_shared<const LabelSet>(
          LabelSet({{"__name__", "up_total"}, {"http.method", "GET"}, {"pod", pod}}));
      for (int i = 0; i < 10; ++i) {
        series.ts_ms.push_back(kBaseMs + i * 10'000);
        series.values.push_back(i);
      }
      queryable_.Add(std::move(series));
    }
    RestartCallsThatAlarmsInterrupt();
    ApiOptions options;
    options.address = "127.0.0.1:0";
    options.engine.timeout = absl::Seconds(5);
    auto server = ApiServer::Start(queryable_, options);
    Check(server.ok());
    server_ = *std::move(server);
  }

  // All that is answered to `bytes`, after which the client sends no more.
  std::string Answers(std::string_view bytes) const {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(server_->port());
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    Check(fd >= 0 && connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)) == 0);
    // May fail: the server closes when it has refused the beginning.
    (void)!send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    std::string answers;
    char buffer[16 * 1024];
    for (ssize_t n; (n = recv(fd, buffer, sizeof(buffer), 0)) > 0;) {
      answers.append(buffer, static_cast<size_t>(n));
    }
    close(fd);
    return answers;
  }

 private:
  // libFuzzer looks at the time by SIGALRM, which would make connect() and recv() fail.
  static void RestartCallsThatAlarmsInterrupt() {
    struct sigaction action {};
    Check(sigaction(SIGALRM, nullptr, &action) == 0);
    action.sa_flags |= SA_RESTART;
    Check(sigaction(SIGALRM, &action, nullptr) == 0);
  }

  promqltest::MemoryQueryable queryable_;
  std::unique_ptr<ApiServer> server_;
};

std::string Unfolded(std::string_view input) {
  constexpr char kRepeated = '\xFE';
  constexpr size_t kUnit = 512;
  std::string bytes;
  for (size_t i = 0; i < input.size(); ++i) {
    if (input[i] == kRepeated && i + 2 < input.size()) {
      bytes.append(static_cast<uint8_t>(input[i + 1]) * kUnit, input[i + 2]);
      i += 2;
    } else {
      bytes += input[i];
    }
  }
  return bytes;
}

std::optional<size_t> Number(std::string_view text) {
  size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return lower;
}

// "" where there is none. `head` in lower case.
std::string_view Header(std::string_view head, std::string_view name) {
  const std::string start = "\r\n" + std::string(name) + ": ";
  const size_t at = head.find(start);
  if (at == std::string_view::npos) return "";
  const std::string_view value = head.substr(at + start.size());
  return value.substr(0, value.find("\r\n"));
}

// Of the answers that follow each other the first: with those behind it, only it is looked into.
void CheckFirst(std::string_view answers, bool has_body) {
  constexpr std::string_view kGoOn = "HTTP/1.1 100 Continue\r\n\r\n";
  if (answers.starts_with(kGoOn)) answers.remove_prefix(kGoOn.size());
  if (answers.empty()) return;  // it was not a whole request
  Check(answers.starts_with("HTTP/1."));
  const size_t status = Number(answers.substr(9, 3)).value_or(0);
  Check(status >= 200 && status != 500);
  const size_t end = answers.find("\r\n\r\n");
  Check(end != std::string_view::npos);
  if (!has_body) return;
  const std::string head = Lower(answers.substr(0, end + 2));
  const std::optional<size_t> length = Number(Header(head, "content-length"));
  if (Header(head, "content-type") != "application/json" ||
      !Header(head, "content-encoding").empty() || !length) {
    return;
  }
  const std::string_view body = answers.substr(end + 4);
  if (body.size() < *length) return;  // the client asked for the head alone
  boost::system::error_code error;
  boost::json::parse(body.substr(0, *length), error);
  Check(!error);
}

}  // namespace
}  // namespace leadline::collector::api

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const leadline::collector::api::Front front;
  const std::string input =
      leadline::collector::api::Unfolded({reinterpret_cast<const char*>(data), size});
  leadline::collector::api::CheckFirst(front.Answers(input),
                                       input.find("HEAD") == std::string::npos);
  return 0;
}
