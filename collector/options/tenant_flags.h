// The options for what tenants may write: one for each row of store::kTenantLimits, which is every
// tenant's, and --tenant for those that have their own.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

#include "collector/store/tenant_limits.h"
#include "common/flags/program.h"

namespace leadline::collector {

struct TenantOptions {
  store::TenantLimits limits;
  std::vector<std::string> overrides;  // "NAME:max-series=1000,max-labels=20"

  // Of the tenants in `overrides`; what one does not say is as in `limits`.
  store::TenantLimitsOf ByTenant() const;
};

void AddTenantFlags(CLI::App& app, TenantOptions& options);

// The tenant's name and limits of one override over `limits`. INVALID_ARGUMENT says what is wrong
// with it.
absl::StatusOr<std::pair<std::string, store::TenantLimits>> ParseTenantOverride(
    std::string_view text, const store::TenantLimits& limits);

}  // namespace leadline::collector
