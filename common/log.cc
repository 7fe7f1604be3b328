#include "common/log.h"

#include <ctime>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace leadline {
namespace {

// The message, as a value in quotation marks has it: on one line whatever a server or a file said.
class Escaped final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    const auto append = [&out](std::string_view text) { out.append(text.begin(), text.end()); };
    for (const char c : message.payload) {
      if (c == '"' || c == '\\') {
        out.push_back('\\');
        out.push_back(c);
      } else if (c == '\n') {
        append("\\n");
      } else if (c == '\t') {
        append("\\t");
      } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
        append(fmt::format("\\u{:04x}", static_cast<unsigned char>(c)));
      } else {
        out.push_back(c);
      }
    }
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<Escaped>();
  }
};

}  // namespace

absl::Status SetUpLog(std::string_view program, std::string_view level) {
  const spdlog::level::level_enum parsed = spdlog::level::from_str(std::string(level));
  if (parsed == spdlog::level::off && level != "off") {
    return absl::InvalidArgumentError(
        fmt::format("log level \"{}\" is none of debug, info, warn, error", level));
  }
  auto logger = spdlog::stderr_logger_mt(std::string(program));
  logger->set_level(parsed);
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  formatter->add_flag<Escaped>('*').set_pattern(
      "ts=%Y-%m-%dT%H:%M:%S.%eZ level=%l program=%n msg=\"%*\"");
  logger->set_formatter(std::move(formatter));
  logger->flush_on(spdlog::level::warn);
  spdlog::set_default_logger(std::move(logger));
  return absl::OkStatus();
}

}  // namespace leadline
