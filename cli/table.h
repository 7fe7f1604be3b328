// Rows of text in aligned columns, as kubectl prints them, or as CSV.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace leadline::cli {

struct Table {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;  // each as wide as the header
  bool last_is_number = false;                 // the last column is aligned to the right
};

// Columns are three blanks apart. Width is counted in characters, not bytes.
void PrintTable(const Table& table, std::ostream& out);

// RFC 4180, with line feeds alone.
void PrintCsv(const Table& table, std::ostream& out);

}  // namespace leadline::cli
