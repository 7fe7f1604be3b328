#include "collector/options/tenant_flags.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>

#include "common/status_text.h"

namespace leadline::collector {
namespace {

std::string WhatIsWrong(const store::TenantLimitRow& row, std::string_view text, uint64_t& value) {
  const char* const end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || parsed != end) return fmt::format("\"{}\" is not a number", text);
  if (value >= row.least && value <= row.most) return "";
  return fmt::format("{} is not between {} and {}", value, row.least, row.most);
}

CLI::Validator IsWithin(const store::TenantLimitRow& row) {
  return {[&row](std::string& text) {
            uint64_t value = 0;
            return WhatIsWrong(row, text, value);
          },
          ""};
}

}  // namespace

absl::StatusOr<std::pair<std::string, store::TenantLimits>> ParseTenantOverride(
    std::string_view text, const store::TenantLimits& limits) {
  const auto wrong = [&](std::string_view what) {
    return absl::InvalidArgumentError(fmt::format("\"{}\": {}", text, what));
  };
  const size_t colon = text.find(':');
  if (colon == 0 || colon == std::string_view::npos || colon + 1 == text.size()) {
    return wrong("is not NAME:LIMIT=NUMBER,…");
  }
  std::pair<std::string, store::TenantLimits> tenant{text.substr(0, colon), limits};
  for (std::string_view rest = text.substr(colon + 1); !rest.empty();) {
    const std::string_view setting = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), setting.size() + 1));
    const size_t equals = setting.find('=');
    const std::string_view name = setting.substr(0, equals);
    const auto row = std::find_if(store::kTenantLimits.begin(), store::kTenantLimits.end(),
                                  [&](const auto& one) { return one.name == name; });
    if (row == store::kTenantLimits.end() || equals == std::string_view::npos) {
      return wrong(fmt::format("\"{}\" sets none of the limits of a tenant", setting));
    }
    const std::string what =
        WhatIsWrong(*row, setting.substr(equals + 1), tenant.second.*row->value);
    if (!what.empty()) return wrong(fmt::format("{}: {}", name, what));
  }
  return tenant;
}

store::TenantLimitsOf TenantOptions::ByTenant() const {
  store::TenantLimitsOf by_tenant;
  for (const std::string& text : overrides) {
    const auto tenant = ParseTenantOverride(text, limits);
    if (tenant.ok()) by_tenant.insert_or_assign(tenant->first, tenant->second);
  }
  return by_tenant;
}

void AddTenantFlags(CLI::App& app, TenantOptions& options) {
  for (const store::TenantLimitRow& row : store::kTenantLimits) {
    app.add_option("--" + std::string(row.name), options.limits.*row.value, std::string(row.about))
        ->check(IsWithin(row))
        ->type_name("NUMBER")
        ->capture_default_str();
  }
  const auto is_override = [](std::string& text) -> std::string {
    const absl::Status status = ParseTenantOverride(text, {}).status();
    return status.ok() ? "" : std::string(StatusMessage(status));
  };
  app.add_option("--tenant", options.overrides,
                 "Limits of one tenant, as NAME:max-series=1000,max-labels=20; the others are as "
                 "above")
      ->check(CLI::Validator(is_override, ""))
      ->type_name("NAME:LIMIT=NUMBER,…");
}

}  // namespace leadline::collector
