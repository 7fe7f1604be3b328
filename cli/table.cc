#include "cli/table.h"

#include <algorithm>

namespace leadline::cli {
namespace {

constexpr size_t kGap = 3;

size_t Width(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;  // not a character's later bytes
  }));
}

// Control characters would break the table, or do worse to a terminal.
std::string Printable(const std::string& text) {
  std::string printable = text;
  std::replace_if(
      printable.begin(), printable.end(),
      [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return printable;
}

void PrintRow(const std::vector<std::string>& row, const std::vector<size_t>& widths,
              bool last_is_number, std::ostream& out) {
  std::string line;
  for (size_t i = 0; i < row.size(); ++i) {
    const std::string cell = Printable(row[i]);
    const std::string padding(widths[i] - Width(cell), ' ');
    const bool last = i + 1 == row.size();
    if (last && last_is_number) {
      line += padding + cell;
    } else {
      line += cell + padding + std::string(last ? 0 : kGap, ' ');
    }
  }
  line.resize(line.find_last_not_of(' ') + 1);
  out << line << '\n';
}

std::string CsvCell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

void PrintCsvRow(const std::vector<std::string>& row, std::ostream& out) {
  for (size_t i = 0; i < row.size(); ++i) out << (i > 0 ? "," : "") << CsvCell(row[i]);
  out << '\n';
}

}  // namespace

void PrintTable(const Table& table, std::ostream& out) {
  std::vector<size_t> widths;
  for (const std::string& name : table.header) widths.push_back(Width(name));
  for (const auto& row : table.rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], Width(row[i]));
  }
  PrintRow(table.header, widths, table.last_is_number, out);
  for (const auto& row : table.rows) PrintRow(row, widths, table.last_is_number, out);
}

void PrintCsv(const Table& table, std::ostream& out) {
  PrintCsvRow(table.header, out);
  for (const auto& row : table.rows) PrintCsvRow(row, out);
}

}  // namespace leadline::cli
