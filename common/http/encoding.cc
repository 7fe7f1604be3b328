#include "common/http/encoding.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <string>

#include <fmt/format.h>

namespace leadline::http {
namespace {

constexpr size_t kMinUnpackedBytes = 16 << 10;
constexpr int kGzipWrapper = 16;  // added to the window's bits, as deflateInit2 wants it

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t";
  const size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) - first + 1);
}

std::string_view TakeUntil(char separator, std::string_view& text) {
  const std::string_view part = text.substr(0, text.find(separator));
  text.remove_prefix(std::min(text.size(), part.size() + 1));
  return Trim(part);
}

// "q=0", "q=0.000": not acceptable.
bool IsRefusal(std::string_view parameter) {
  const std::string_view name = TakeUntil('=', parameter);
  return EqualsIgnoringCase(name, "q") && !parameter.empty() &&
         parameter.find_first_not_of("0.") == std::string_view::npos;
}

bool Gzip(std::string_view plain, std::string& packed) {
  if (plain.size() > std::numeric_limits<uInt>::max()) return false;
  z_stream stream{};
  // The fastest level: JSON of samples shrinks five-fold with it already.
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, MAX_WBITS + kGzipWrapper, MAX_MEM_LEVEL,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    return false;
  }
  packed.resize(deflateBound(&stream, plain.size()));
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  const bool whole = deflate(&stream, Z_FINISH) == Z_STREAM_END;
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return whole;
}

}  // namespace

bool AcceptsGzip(std::string_view accept_encoding) {
  bool any = false;
  while (!accept_encoding.empty()) {
    std::string_view parameters = TakeUntil(',', accept_encoding);
    const std::string_view coding = TakeUntil(';', parameters);
    const bool refused = IsRefusal(parameters);
    if (EqualsIgnoringCase(coding, "gzip") || EqualsIgnoringCase(coding, "x-gzip")) return !refused;
    if (coding == "*") any = !refused;
  }
  return any;
}

void CompressBody(const Request& request, Response& response) {
  if (response.body.size() < kMinCompressedBytes) return;
  for (const auto& [name, value] : response.headers) {
    if (EqualsIgnoringCase(name, "Content-Encoding")) return;
  }
  response.headers.emplace_back("Vary", "Accept-Encoding");
  if (!AcceptsGzip(request.GetHeader("Accept-Encoding"))) return;
  std::string packed;
  if (!Gzip(response.body, packed) || packed.size() >= response.body.size()) return;
  response.body = std::move(packed);
  response.headers.emplace_back("Content-Encoding", "gzip");
}

absl::Status Gunzip(std::string_view packed, size_t max_bytes, std::string& plain) {
  plain.clear();
  z_stream stream{};
  if (packed.size() > std::numeric_limits<uInt>::max() ||
      inflateInit2(&stream, MAX_WBITS + kGzipWrapper) != Z_OK) {
    return absl::ResourceExhaustedError("gzip: no memory");
  }
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  int result = Z_OK;
  while (result == Z_OK && plain.size() <= max_bytes) {
    const size_t before = plain.size();
    plain.resize(before + std::max<size_t>(before, kMinUnpackedBytes));
    stream.next_out = reinterpret_cast<Bytef*>(plain.data() + before);
    stream.avail_out = static_cast<uInt>(plain.size() - before);
    result = inflate(&stream, Z_NO_FLUSH);
    plain.resize(plain.size() - stream.avail_out);
    if (result == Z_STREAM_END && stream.avail_in > 0)
      result = inflateReset(&stream);  // more of it
  }
  inflateEnd(&stream);
  if (plain.size() > max_bytes) {
    return absl::ResourceExhaustedError(
        fmt::format("gzip: more than {} bytes, which is the limit", max_bytes));
  }
  return result == Z_STREAM_END ? absl::OkStatus()
                                : absl::InvalidArgumentError("gzip: corrupt or cut off");
}

}  // namespace leadline::http
