// The options of a program as texts: what is in force, and the reference of all there are.
#include <fmt/format.h>

#include "common/flags/program.h"

namespace leadline::flags {
namespace {

// A YAML scalar that is read back as the same text.
std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      quoted += fmt::format("\\x{:02x}", c);
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::string YamlValue(const CLI::Option& option, const std::vector<std::string>& values) {
  if (option.get_items_expected_max() == 0) return values.empty() ? "false" : values.back();
  if (option.get_items_expected_max() == 1) return Quoted(values.back());
  std::string list;
  for (const std::string& value : values) list += (list.empty() ? "" : ", ") + Quoted(value);
  return "[" + list + "]";
}

// Within a cell of a Markdown table.
std::string Cell(std::string text) {
  for (size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) {
    text.insert(at, "\\");
  }
  return text;
}

std::string TypeOf(const CLI::Option& option) {
  if (option.get_items_expected_max() == 0) return "true or false";
  return option.get_items_expected_max() == 1 ? option.get_type_name()
                                              : option.get_type_name() + " (list)";
}

std::string DefaultOf(const CLI::Option& option) {
  if (option.get_items_expected_max() == 0) return "`false`";
  if (option.get_required()) return "none: it must be given";
  return option.get_default_str().empty() ? "" : fmt::format("`{}`", option.get_default_str());
}

}  // namespace

std::vector<std::pair<std::string, std::string>> Program::Values() const {
  std::vector<std::pair<std::string, std::string>> values;
  for (const CLI::Option* option : ConfigurableOptions()) {
    std::string value = option->get_default_str();
    if (option->count() > 0) {
      value = fmt::format("{}", fmt::join(option->results(), ","));
    } else if (option->get_items_expected_max() == 0) {
      value = "false";
    }
    values.emplace_back(option->get_lnames().front(), std::move(value));
  }
  return values;
}

std::string Program::PrintConfig() const {
  std::string text;
  for (const CLI::Option* option : ConfigurableOptions()) {
    const std::string& key = option->get_lnames().front();
    const auto place = places_.find(key);
    if (place != places_.end()) {
      text += fmt::format("{}: {}  # {}:{}\n", key, YamlValue(*option, option->results()),
                          place->second.file, place->second.line);
    } else if (option->count() > 0) {
      text += fmt::format("{}: {}  # command line\n", key, YamlValue(*option, option->results()));
    } else if (option->get_items_expected_max() == 0 || !option->get_default_str().empty()) {
      const std::vector<std::string> values = {option->get_default_str()};
      text +=
          fmt::format("{}: {}\n", key,
                      option->get_items_expected_max() == 0 ? "false" : YamlValue(*option, values));
    } else {
      text += fmt::format("# {}: {}\n", key, option->get_type_name());
    }
  }
  return text;
}

std::string ConfigurationTable(const Program& program) {
  std::string text = "| key | value | default | |\n|---|---|---|---|\n";
  for (const CLI::Option* option : program.ConfigurableOptions()) {
    text += fmt::format("| `{}` | {} | {} | {} |\n", option->get_lnames().front(),
                        Cell(TypeOf(*option)), Cell(DefaultOf(*option)),
                        Cell(option->get_description()));
  }
  return text;
}

}  // namespace leadline::flags
