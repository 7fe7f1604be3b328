#include "cli/query_command.h"

#include <algorithm>
#include <optional>
#include <sstream>

#include "absl/time/time.h"
#include <fmt/format.h>
#include <re2/re2.h>

#include "cli/explanation.h"
#include "cli/query_reply.h"
#include "cli/table.h"
#include "cli/yaml.h"
#include "common/duration.h"
#include "common/status_macros.h"
#include "common/status_text.h"

namespace leadline::cli {
namespace {

constexpr int64_t kDefaultPoints = 250;

std::string UnixSeconds(int64_t ms) {
  return fmt::format("{}{}.{:03}", ms < 0 ? "-" : "", std::abs(ms / 1000), std::abs(ms % 1000));
}

// What the server parses: relative times made absolute.
absl::StatusOr<std::string> ServerTime(const std::string& flag, const std::string& text,
                                       int64_t now_ms) {
  if (text == "now") return UnixSeconds(now_ms);
  // "-5m" has a unit; "-5" is a Unix time.
  if (!text.starts_with('-') || text.find_first_of("ywdhms") == std::string::npos) return text;
  const auto ago = ParseDuration(std::string_view(text).substr(1));
  if (!ago.ok()) {
    return absl::InvalidArgumentError(
        fmt::format("--{} {}: {}", flag, text, StatusMessage(ago.status())));
  }
  return UnixSeconds(now_ms - absl::ToInt64Milliseconds(*ago));
}

std::optional<int64_t> ToUnixMs(const std::string& text) {
  char* end = nullptr;
  const double seconds = std::strtod(text.c_str(), &end);
  if (end == text.c_str() + text.size() && !text.empty() && std::abs(seconds) < 1e12) {
    return static_cast<int64_t>(seconds * 1000);
  }
  absl::Time time;
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, text, &time, &error)) return std::nullopt;
  return absl::ToUnixMillis(time);
}

struct HttpQuery {
  std::string path;
  Form form;
};

absl::StatusOr<HttpQuery> MakeQuery(const QueryFlags& flags, int64_t now_ms) {
  HttpQuery query{"/api/v1/query", {{"query", flags.expr}}};
  const bool range = !flags.start.empty();
  if (!range) {
    if (!flags.end.empty() || !flags.step.empty()) {
      return absl::InvalidArgumentError("--end and --step are of a range query: give --start too");
    }
    if (!flags.time.empty()) {
      LL_ASSIGN_OR_RETURN(std::string time, ServerTime("time", flags.time, now_ms));
      query.form.emplace_back("time", std::move(time));
    }
    return query;
  }
  if (!flags.time.empty()) {
    return absl::InvalidArgumentError("--time is of an instant query, --start of a range query");
  }
  query.path = "/api/v1/query_range";
  LL_ASSIGN_OR_RETURN(const std::string start, ServerTime("start", flags.start, now_ms));
  LL_ASSIGN_OR_RETURN(const std::string end,
                      ServerTime("end", flags.end.empty() ? "now" : flags.end, now_ms));
  std::string step = flags.step;
  if (step.empty()) {
    // Times that do not parse here are refused by the server.
    const int64_t range_ms = ToUnixMs(end).value_or(0) - ToUnixMs(start).value_or(0);
    step = fmt::format("{}", std::max<int64_t>(1, range_ms / 1000 / kDefaultPoints));
  }
  query.form.emplace_back("start", start);
  query.form.emplace_back("end", end);
  query.form.emplace_back("step", std::move(step));
  return query;
}

// What the collector says to who may not ask, and what mends it.
std::string ExplainRefusal(const std::string& url, const HttpReply& reply) {
  const std::string text = reply.body.substr(0, reply.body.find('\n'));
  return fmt::format("{}: {}\n{}", url, text,
                     reply.status == 401 ? "--token-file and $LEADLINE_TOKEN_FILE name one."
                                         : "--cert and --key name one.");
}

int Fail(std::ostream& err, std::string_view what) {
  err << "error: " << what << '\n';
  return 1;
}

int PrintExplanation(const QueryFlags& flags, const std::string& body, std::ostream& out,
                     std::ostream& err) {
  const absl::StatusOr<std::string> text = ExplanationText(body);
  if (!text.ok()) {
    return Fail(err, ExplainError(std::string(StatusMessage(text.status())), flags.expr));
  }
  out << (flags.output == "json" ? body + '\n' : *text);
  return 0;
}

}  // namespace

std::string ExplainError(const std::string& message, const std::string& query) {
  static const RE2 place("(?s)(?:invalid parameter \"query\": )?(([0-9]{1,7}):([0-9]{1,7}): .*)");
  std::string text;
  int line_number = 0;
  size_t column = 0;
  if (!RE2::FullMatch(message, place, &text, &line_number, &column)) return message;
  std::istringstream lines(query);
  std::string line;
  for (int i = 0; i < line_number; ++i) {
    if (!std::getline(lines, line)) line.clear();
  }
  if (column == 0 || column > line.size() + 1) return text;
  // Columns are bytes; blanks are wanted for characters, and tabs stay tabs.
  std::string indent;
  for (const char c : line.substr(0, column - 1)) {
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) indent += c == '\t' ? '\t' : ' ';
  }
  return fmt::format("{}\n  {}\n  {}^", text, line, indent);
}

int RunQuery(const QueryFlags& flags, const PostForm& post, const Clock& clock, std::ostream& out,
             std::ostream& err) {
  const absl::StatusOr<HttpQuery> query = MakeQuery(flags, clock.NowUnixMs());
  if (!query.ok()) return Fail(err, StatusMessage(query.status()));
  const absl::StatusOr<std::string> base = CollectorUrl(flags.collector);
  if (!base.ok()) return Fail(err, StatusMessage(base.status()));
  const std::string url = *base + (flags.explain ? "/api/v2/explain" : query->path);
  const absl::StatusOr<HttpReply> http = post(url, query->form);
  if (!http.ok()) return Fail(err, StatusMessage(http.status()));
  if (http->status == 401 || http->status == 403) return Fail(err, ExplainRefusal(url, *http));
  if (flags.explain) return PrintExplanation(flags, http->body, out, err);
  const absl::StatusOr<QueryReply> reply = ParseQueryReply(http->body);
  if (!reply.ok()) {
    if (reply.status().code() == absl::StatusCode::kInternal) {
      return Fail(err, fmt::format("{}: HTTP status {}: {}", url, http->status,
                                   StatusMessage(reply.status())));
    }
    return Fail(err, ExplainError(std::string(StatusMessage(reply.status())), flags.expr));
  }
  for (const std::string& remark : reply->remarks) err << remark << '\n';
  if (flags.output == "json") {
    out << http->body << '\n';
  } else if (flags.output == "yaml") {
    // It was parsed just now.
    if (absl::Status printed = PrintYaml(http->body, out); !printed.ok()) {
      return Fail(err, StatusMessage(printed));
    }
  } else if (flags.output == "csv") {
    PrintCsv(ToTable(*reply, flags.expr, HeaderStyle::kAsIs), out);
  } else if (reply->type == "scalar" || reply->type == "string") {
    out << reply->scalar.value << '\n';
  } else if (reply->series.empty()) {
    err << "No series found.\n";
  } else {
    PrintTable(ToTable(*reply, flags.expr, HeaderStyle::kForPeople), out);
  }
  return 0;
}

}  // namespace leadline::cli
