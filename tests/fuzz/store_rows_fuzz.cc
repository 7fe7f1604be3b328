// The rows of a window's dictionary: whatever parses must encode to something that parses.
#include <cstdlib>
#include <string_view>

#include "collector/store/window/keys.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace window = leadline::collector::store::window;
  const std::string_view row(reinterpret_cast<const char*>(data), size);
  window::ParseRowKey(row);
  if (const auto entity = window::ParseEntityRow(row)) {
    if (!window::ParseEntityRow(window::EncodeEntityRow(*entity))) abort();
  }
  if (const auto series = window::ParseSeriesRow(row)) {
    if (!window::ParseSeriesRow(window::EncodeSeriesRow(*series))) abort();
  }
  return 0;
}
