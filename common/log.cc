#include "common/log.h"

#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace leadline {

absl::Status SetUpLog(std::string_view program, std::string_view level) {
  const spdlog::level::level_enum parsed = spdlog::level::from_str(std::string(level));
  if (parsed == spdlog::level::off && level != "off") {
    return absl::InvalidArgumentError(
        fmt::format("log level \"{}\" is none of debug, info, warn, error", level));
  }
  auto logger = spdlog::stderr_logger_mt(std::string(program));
  logger->set_level(parsed);
  logger->set_pattern("ts=%Y-%m-%dT%H:%M:%S.%eZ level=%l program=%n msg=\"%v\"",
                      spdlog::pattern_time_type::utc);
  logger->flush_on(spdlog::level::warn);
  spdlog::set_default_logger(std::move(logger));
  return absl::OkStatus();
}

}  // namespace leadline
