#include "tests/protocols/transcript.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/status/status.h"
#include "fmt/format.h"

namespace leadline::tests::protocols {
namespace {

absl::Status Malformed(size_t line, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("line {}: {}", line, what));
}

void PassSpaces(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
}

bool TakePrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

// All of `text` is the number.
template <typename Number>
bool ReadNumber(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

// The strings of `text`, put together; what is behind them is left.
bool TakeStrings(std::string_view& text, std::string& out) {
  while (true) {
    PassSpaces(text);
    if (!TakePrefix(text, "\"")) return true;
    while (true) {
      if (text.empty()) return false;
      const char c = text.front();
      text.remove_prefix(1);
      if (c == '"') break;
      if (c != '\\') {
        out.push_back(c);
        continue;
      }
      if (text.empty()) return false;
      const char escape = text.front();
      text.remove_prefix(1);
      switch (escape) {
        case 'r':
          out.push_back('\r');
          break;
        case 'n':
          out.push_back('\n');
          break;
        case 't':
          out.push_back('\t');
          break;
        case '0':
          out.push_back('\0');
          break;
        case '"':
          out.push_back('"');
          break;
        case '\\':
          out.push_back('\\');
          break;
        case 'x': {
          if (text.size() < 2) return false;
          const std::string digits(text.substr(0, 2));
          out.push_back(static_cast<char>(std::strtoul(digits.c_str(), nullptr, 16)));
          text.remove_prefix(2);
          break;
        }
        default:
          return false;
      }
    }
  }
}

bool TakeWord(std::string_view& text, std::string_view& word) {
  PassSpaces(text);
  const size_t end = std::min(text.find(' '), text.size());
  word = text.substr(0, end);
  text.remove_prefix(end);
  return !word.empty();
}

bool TakeSeconds(std::string_view& text, uint64_t& ts_ns) {
  std::string_view word;
  double seconds;
  if (!TakeWord(text, word) || !ReadNumber(word, seconds) || seconds < 0) return false;
  ts_ns = static_cast<uint64_t>(std::llround(seconds * 1e6)) * 1000;
  return true;
}

bool ParseConnection(std::string_view rest, Transcript& out) {
  std::string_view transport, side, port;
  uint32_t number;
  if (!TakeWord(rest, transport) || !TakeWord(rest, side) || !TakeWord(rest, port) ||
      !ReadNumber(port, number)) {
    return false;
  }
  out.info.transport = transport == "udp" ? base::Transport::kUdp : base::Transport::kTcp;
  out.side = side == "server" ? base::Side::kServer : base::Side::kClient;
  out.info.remote_port = out.side == base::Side::kClient ? static_cast<uint16_t>(number) : 54321;
  out.info.local_port = out.side == base::Side::kServer ? static_cast<uint16_t>(number) : 54321;
  PassSpaces(rest);
  out.info.joined_late = rest == "late";
  return true;
}

bool ParseBytes(std::string_view rest, Event& event) {
  if (TakePrefix(rest, "lost ")) {
    event.kind = Event::Kind::kLost;
    return ReadNumber(rest, event.length);
  }
  if (!TakeSeconds(rest, event.ts_ns) || !TakeStrings(rest, event.bytes)) return false;
  if (TakePrefix(rest, "+")) return ReadNumber(rest, event.length);
  return rest.empty();
}

// What may go on with the next line: a line with nothing but strings.
bool Continue(std::string_view line, Event& event) {
  if (event.kind != Event::Kind::kBytes || !TakeStrings(line, event.bytes)) return false;
  if (TakePrefix(line, "+")) return ReadNumber(line, event.length);
  return line.empty();
}

}  // namespace

absl::StatusOr<Transcript> ParseTranscript(std::string_view text) {
  Transcript out;
  size_t number = 0;
  std::string_view rest = text;
  while (!rest.empty()) {
    ++number;
    const size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    std::string_view words = line;
    Event event;
    if (line.empty() || line.front() == '#') continue;
    if (line == "records") {
      out.text = text.substr(0, static_cast<size_t>(line.data() - text.data()));
      while (!rest.empty()) {
        const size_t record_end = std::min(rest.find('\n'), rest.size());
        if (record_end > 0) out.records.emplace_back(rest.substr(0, record_end));
        rest.remove_prefix(std::min(record_end + 1, rest.size()));
      }
      return out;
    }
    if (line.front() == ' ') {
      if (out.events.empty() || !Continue(line, out.events.back())) {
        return Malformed(number, "no strings that go on");
      }
      continue;
    }
    if (TakePrefix(words, "connection ")) {
      if (!ParseConnection(words, out)) return Malformed(number, "connection TRANSPORT SIDE PORT");
      continue;
    }
    if (TakePrefix(words, "tick ")) {
      event.kind = Event::Kind::kTick;
      if (!TakeSeconds(words, event.ts_ns)) return Malformed(number, "tick SECONDS");
    } else if (TakePrefix(words, "close ")) {
      event.kind = Event::Kind::kClose;
      if (!TakeSeconds(words, event.ts_ns)) return Malformed(number, "close SECONDS [unknown]");
      event.known_lengths = words != " unknown";
    } else if (TakePrefix(words, "> ") || TakePrefix(words, "< ")) {
      event.flow = line.front() == '>' ? base::Flow::kRequest : base::Flow::kResponse;
      if (!ParseBytes(words, event)) return Malformed(number, "SECONDS \"BYTES\" [+LENGTH]");
    } else {
      return Malformed(number, "neither >, <, tick, close nor records");
    }
    out.events.push_back(std::move(event));
  }
  out.text = text;
  return out;
}

std::vector<Transcript> LoadTranscripts(std::string_view folder) {
  const std::filesystem::path path =
      std::filesystem::path(LEADLINE_SOURCE_DIR) / "tests/golden/protocols" / std::string(folder);
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(path, error)) {
    files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<Transcript> out;
  for (const auto& file : files) {
    std::stringstream content;
    content << std::ifstream(file).rdbuf();
    absl::StatusOr<Transcript> transcript = ParseTranscript(content.str());
    if (!transcript.ok()) {
      std::fprintf(stderr, "%s: %s\n", file.c_str(), transcript.status().ToString().c_str());
      std::abort();
    }
    transcript->name = file.string();
    out.push_back(*std::move(transcript));
  }
  return out;
}

}  // namespace leadline::tests::protocols
