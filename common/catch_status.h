// What the standard library and Asio throw, as a status where it enters: we throw nothing.
//
//   LL_ASSIGN_OR_RETURN(auto loop, CatchStatus("watch of pods", [&] {
//     return std::make_unique<Loop>(...);  // has a thread
//   }));
//
// For what takes threads, descriptors or memory: RESOURCE_EXHAUSTED "<what>: <the exception's
// text>". A status that the function gives is passed on. Any thread.
#pragma once

#include <exception>
#include <string_view>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <fmt/format.h>

namespace leadline {

template <typename Function, typename Result = std::invoke_result_t<Function>>
std::conditional_t<std::is_convertible_v<absl::Status, Result>, Result, absl::StatusOr<Result>>
CatchStatus(std::string_view what, Function&& function) {
  try {
    return std::forward<Function>(function)();
  } catch (const std::exception& error) {
    return absl::ResourceExhaustedError(fmt::format("{}: {}", what, error.what()));
  }
}

}  // namespace leadline
