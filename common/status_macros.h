// Early return on an error of absl::Status or absl::StatusOr.
//
//   LL_RETURN_IF_ERROR(file.Sync());
//   LL_ASSIGN_OR_RETURN(auto file, Open(path));
#pragma once

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define LL_RETURN_IF_ERROR(expression)                                            \
  do {                                                                            \
    if (absl::Status ll_status = (expression); !ll_status.ok()) return ll_status; \
  } while (false)

#define LL_CONCAT_INNER(a, b) a##b
#define LL_CONCAT(a, b) LL_CONCAT_INNER(a, b)

#define LL_ASSIGN_OR_RETURN(declaration, expression) \
  LL_ASSIGN_OR_RETURN_INNER(LL_CONCAT(ll_result_, __LINE__), declaration, expression)

#define LL_ASSIGN_OR_RETURN_INNER(result, declaration, expression) \
  auto result = (expression);                                      \
  if (!result.ok()) return std::move(result).status();             \
  declaration = *std::move(result)
