// Early return on an error of absl::Status or absl::StatusOr.
//
//   LL_RETURN_IF_ERROR(file.Sync());
//   LL_ASSIGN_OR_RETURN(auto file, Open(path));
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define LL_CONCAT_INNER(a, b) a##b
#define LL_CONCAT(a, b) LL_CONCAT_INNER(a, b)

// A name of its own for each use, so that one may stand in a lambda within another.
#define LL_RETURN_IF_ERROR(expression) \
  LL_RETURN_IF_ERROR_INNER(LL_CONCAT(ll_status_, __COUNTER__), expression)

#define LL_RETURN_IF_ERROR_INNER(status, expression)                     \
  do {                                                                   \
    if (absl::Status status = (expression); !status.ok()) return status; \
  } while (false)

#define LL_ASSIGN_OR_RETURN(declaration, expression) \
  LL_ASSIGN_OR_RETURN_INNER(LL_CONCAT(ll_result_, __COUNTER__), declaration, expression)

#define LL_ASSIGN_OR_RETURN_INNER(result, declaration, expression) \
  auto result = (expression);                                      \
  if (!result.ok()) return std::move(result).status();             \
  declaration = *std::move(result)
