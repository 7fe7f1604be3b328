// What somebody may have meant who wrote something else.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace leadline::flags {

// The word that is nearest to `written`, or "" where none is near: at most two letters missing, too
// many, exchanged or in place of others. Case, '-' and '_' make no difference.
std::string Suggestion(std::string_view written, const std::vector<std::string>& words);

}  // namespace leadline::flags
