#include "collector/promql/govern/active_queries.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sstream>
#include <utility>

#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "common/file.h"
#include "common/status_macros.h"
#include "common/status_text.h"

namespace leadline::collector::promql::govern {
namespace {

// As much of the text as there is room for, cut between two characters.
std::string Shortened(std::string_view text, size_t bytes) {
  if (text.size() <= bytes) return std::string(text);
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) --bytes;
  return std::string(text.substr(0, bytes));
}

std::string LineOf(const ActiveQuery& query) {
  // What is quoted may take six times as much.
  for (size_t room = 700;; room /= 2) {
    const std::string text =
        boost::json::serialize(boost::json::value{{"query", Shortened(query.query, room)},
                                                  {"tenant", Shortened(query.tenant, room / 4)},
                                                  {"start_ms", query.start_ms},
                                                  {"end_ms", query.end_ms},
                                                  {"step_ms", query.step_ms},
                                                  {"since_ms", query.since_ms}});
    if (text.size() < ActiveQueries::kLineBytes) return text;
  }
}

absl::Status FileError(std::string_view what, const std::string& file) {
  return absl::InternalError(fmt::format("{} {}: {}", what, file, std::strerror(errno)));
}

}  // namespace

ActiveQueries::Entry::Entry(Entry&& other) noexcept
    : all_(std::exchange(other.all_, nullptr)), id_(other.id_) {}

ActiveQueries::Entry::~Entry() {
  if (all_ != nullptr) all_->End(id_);
}

absl::StatusOr<std::vector<std::string>> ActiveQueries::KeepIn(const std::string& file) {
  std::vector<std::string> left;
  const auto before = ReadFile(file, kLines * kLineBytes);
  if (before.ok()) {
    std::istringstream lines(before->value_or(""));
    for (std::string line; std::getline(lines, line);) {
      line.resize(line.find_last_not_of(' ') + 1);
      if (line.starts_with('{')) left.push_back(std::move(line));
    }
  } else {
    spdlog::warn("what ran when the collector last ended is not known reason=\"{}\"",
                 StatusMessage(before.status()));
  }
  Fd opened(open(file.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!opened.is_open()) return FileError("cannot open", file);
  MutexLock lock(mutex_);
  file_ = std::move(opened);
  used_lines_.assign(kLines, false);
  for (size_t line = 0; line < kLines; ++line) Write(line, "");
  return left;
}

void ActiveQueries::Write(size_t line, std::string_view text) {
  std::string bytes(text);
  bytes.resize(kLineBytes - 1, ' ');
  bytes += '\n';
  // A full disk does not keep a query from running.
  [[maybe_unused]] const ssize_t written =
      pwrite(file_.get(), bytes.data(), bytes.size(), static_cast<off_t>(line * kLineBytes));
}

ActiveQueries::Entry ActiveQueries::Begin(ActiveQuery query) {
  query.since_ms = clock_.NowUnixMs();
  MutexLock lock(mutex_);
  const auto free = std::find(used_lines_.begin(), used_lines_.end(), false);
  size_t line = kNoLine;
  if (free != used_lines_.end()) {
    *free = true;
    line = static_cast<size_t>(free - used_lines_.begin());
    Write(line, LineOf(query));
  }
  const uint64_t id = next_id_++;
  running_.emplace(id, Running{std::move(query), line});
  return {*this, id};
}

void ActiveQueries::End(uint64_t id) {
  MutexLock lock(mutex_);
  const auto it = running_.find(id);
  if (it->second.line != kNoLine) {
    Write(it->second.line, "");
    used_lines_[it->second.line] = false;
  }
  running_.erase(it);
}

std::vector<ActiveQuery> ActiveQueries::Of(std::string_view tenant) const {
  MutexLock lock(mutex_);
  std::vector<ActiveQuery> queries;
  for (const auto& [id, running] : running_) {
    if (running.query.tenant == tenant) queries.push_back(running.query);
  }
  return queries;
}

}  // namespace leadline::collector::promql::govern
