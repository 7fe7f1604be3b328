#include "agent/protocols/normalise/sql.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "agent/protocols/normalise/sql_words.h"

namespace leadline::agent::protocols::normalise {
namespace {

constexpr size_t kMaxDepth = 32;
constexpr size_t kMaxTables = 3;
// Runs of so many digits in a name are taken out.
constexpr size_t kDigitRun = 3;

bool IsAsciiDigit(char c) { return c >= '0' && c <= '9'; }

bool IsPlainName(std::string_view name) {
  return std::all_of(name.begin(), name.end(), [](char c) {
    return IsAsciiDigit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '$';
  });
}

// Text of bounded length; what does not fit is left out, and that is known.
class BoundedText {
 public:
  BoundedText(char* data, size_t room) : data_(data), room_(room) {}

  void Append(std::string_view text) {
    if (text.size() > room_ - size_) {
      full_ = true;
      return;
    }
    if (!full_ && !text.empty()) {
      std::memcpy(data_ + size_, text.data(), text.size());
      size_ += text.size();
    }
  }
  // With its runs of digits taken out.
  void AppendName(std::string_view name) {
    if (!IsPlainName(name)) {
      Append("?");
      return;
    }
    size_t begin = 0;
    for (size_t i = 0; i < name.size();) {
      size_t end = i;
      while (end < name.size() && IsAsciiDigit(name[end])) ++end;
      if (end - i >= kDigitRun) {
        Append(name.substr(begin, i - begin));
        Append("?");
        begin = end;
      }
      i = std::max(end, i + 1);
    }
    Append(name.substr(begin));
  }
  void Cut(size_t size) { size_ = size; }
  std::string_view view() const { return {data_, size_}; }
  size_t size() const { return size_; }
  bool full() const { return full_; }

 private:
  char* data_;
  size_t room_;
  size_t size_ = 0;
  bool full_ = false;
};

// What the token before was.
enum class Before : uint8_t {
  kNothing,
  kName,
  kKeyword,
  kLiteral,
  kOpen,
  kClose,
  kDot,
  kComma,
  kOperator
};

class SqlNormaliser {
 public:
  SqlNormaliser(SqlDialect dialect, SqlBuffer& buffer)
      : dialect_(dialect),
        text_(buffer.text.data(), buffer.text.size()),
        summary_(buffer.summary.data(), buffer.summary.size()) {}

  SqlText Run(std::string_view sql, bool cut) {
    SqlLexer lexer(sql, dialect_);
    while (!text_.full()) {
      const SqlToken token = lexer.Next();
      if (token.kind == SqlToken::Kind::kEnd) break;
      // The last token of a text that goes on may be a part of another one.
      if (token.kind == SqlToken::Kind::kGiveUp || (cut && token.at_end)) {
        cut = true;
        break;
      }
      if (!Add(token)) return {.operation = "_OTHER"};
    }
    if (operation_.empty()) return {.operation = cut ? "" : "_OTHER", .cut = cut};
    // A list that would have become one literal looks as it did.
    if (cut && text_.view().ends_with(',')) text_.Cut(text_.size() - 1);
    return {.text = text_.view(),
            .operation = operation_,
            .summary = summary_.view(),
            .cut = cut || text_.full()};
  }

 private:
  // False for what is no statement.
  bool Add(const SqlToken& token) {
    switch (token.kind) {
      case SqlToken::Kind::kWord:
        return AddWord(token.text);
      case SqlToken::Kind::kQuotedName:
        if (operation_.empty()) return false;
        AddName(token.text);
        return true;
      case SqlToken::Kind::kLiteral:
        if (operation_.empty()) return false;
        AddLiteral();
        return true;
      default:
        // A statement may stand in parentheses.
        if (operation_.empty()) {
          if (token.text == ";") return true;
          if (token.text != "(") return false;
        }
        AddSymbol(token.text);
        return true;
    }
  }

  bool AddWord(std::string_view text) {
    const SqlWord word = FindSqlWord(text);
    if (operation_.empty()) {
      if (word.kind != SqlWordKind::kVerb && word.text != "UPDATE" && word.text != "TABLE") {
        return false;
      }
      SetOperation(word.text);
    } else if (operation_ == "WITH" && depth_ == 0 &&
               (word.text == "SELECT" || word.text == "INSERT" || word.text == "UPDATE" ||
                word.text == "DELETE" || word.text == "MERGE")) {
      SetOperation(word.text);
    }
    if (before_ == Before::kDot || word.kind == SqlWordKind::kName) {
      AddName(text);
      return true;
    }
    // As a value, not as in IS NOT NULL or DEFAULT NULL.
    if (word.kind == SqlWordKind::kValue && last_keyword_ != "IS" && last_keyword_ != "NOT" &&
        last_keyword_ != "DEFAULT" && before_ != Before::kName) {
      AddLiteral();
      return true;
    }
    Space();
    text_.Append(word.text);
    if (operation_ == "COPY" || operation_ == "TRUNCATE") {
      wants_table_ = tables_ == 0;
    } else if (word.kind == SqlWordKind::kTarget) {
      wants_table_ = IsTarget(word.text);
    } else if (word.kind != SqlWordKind::kPause) {
      wants_table_ = false;
    }
    last_keyword_ = word.text;
    before_ = Before::kKeyword;
    return true;
  }

  // FROM in a function's arguments names no table, nor does UPDATE but as a verb.
  bool IsTarget(std::string_view word) const {
    if (word == "UPDATE") {
      return before_ != Before::kKeyword || (last_keyword_ != "KEY" && last_keyword_ != "FOR" &&
                                             last_keyword_ != "ON" && last_keyword_ != "DO");
    }
    return word != "FROM" || depth_ == 0 || !is_call_[std::min(depth_, kMaxDepth) - 1];
  }

  void SetOperation(std::string_view verb) {
    operation_ = verb;
    summary_.Cut(0);
    summary_.Append(verb);
    tables_ = 0;
  }

  void AddName(std::string_view name) {
    Space();
    const size_t begin = text_.size();
    text_.AppendName(name);
    names_table_ = wants_table_;
    wants_table_ = false;
    if (names_table_ && !text_.full()) AddTable(text_.view().substr(begin));
    before_ = Before::kName;
  }

  void AddTable(std::string_view name) {
    if (before_ != Before::kDot && ++tables_ > kMaxTables) return;
    if (tables_ > kMaxTables) return;
    summary_.Append(before_ == Before::kDot ? "." : " ");
    summary_.Append(name);
  }

  void AddLiteral() {
    // A sign belongs to it, and one literal stands for a list of them.
    if (signed_) {
      text_.Cut(sign_at_);
      before_ = before_sign_;
    }
    signed_ = false;
    if (before_ == Before::kComma && text_.view().ends_with("?,")) {
      text_.Cut(text_.size() - 1);
      before_ = Before::kLiteral;
      return;
    }
    Space();
    text_.Append("?");
    wants_table_ = false;
    before_ = Before::kLiteral;
  }

  void AddSymbol(std::string_view symbol) {
    const char c = symbol.front();
    if (symbol == ".") {
      // The name that goes on is the table's too.
      wants_table_ = names_table_;
      text_.Append(".");
      before_ = Before::kDot;
      return;
    }
    wants_table_ = wants_table_ && c == '(';
    switch (c) {
      case '(':
        Open();
        return;
      case ')':
        Close();
        return;
      case ';':  // written when another statement follows
        ends_statement_ = true;
        return;
      case ',':
        text_.Append(symbol);
        before_ = Before::kComma;
        return;
      case '[':
      case ']':
        text_.Append(symbol);
        before_ = c == '[' ? Before::kDot : Before::kClose;
        return;
      default:
        break;
    }
    if (symbol == "::" || symbol == "@" || symbol == "@@") {
      if (symbol != "::") Space();
      text_.Append(symbol);
      before_ = Before::kDot;
      return;
    }
    const bool may_be_sign = (symbol == "-" || symbol == "+") && before_ != Before::kName &&
                             before_ != Before::kLiteral && before_ != Before::kClose;
    const Before before = before_;
    const size_t at = text_.size();
    if (static_cast<unsigned char>(c) < ' ' || static_cast<unsigned char>(c) >= 0x7f) {
      symbol = "?";
    }
    Space();
    text_.Append(symbol);
    before_ = Before::kOperator;
    signed_ = may_be_sign;
    sign_at_ = at;
    before_sign_ = before;
  }

  void Open() {
    const bool is_call = before_ == Before::kName && !names_table_;
    if (!is_call) Space();
    if (depth_ < kMaxDepth) {
      opened_at_[depth_] = text_.size();
      is_call_[depth_] = is_call;
    }
    ++depth_;
    text_.Append("(");
    before_ = Before::kOpen;
    signed_ = false;
  }

  // Of rows that are alike one stays.
  void Close() {
    text_.Append(")");
    before_ = Before::kClose;
    signed_ = false;
    if (depth_ == 0) return;
    --depth_;
    if (depth_ >= kMaxDepth) return;
    const std::string_view text = text_.view();
    const std::string_view row = text.substr(std::min(opened_at_[depth_], text.size()));
    Row& last = last_row_[depth_];
    const size_t begin = text.size() - row.size();
    if (begin == last.end + 2 && text.substr(last.end, 2) == ", " && last.size == row.size() &&
        text.substr(last.end - last.size, last.size) == row) {
      text_.Cut(last.end);
      return;
    }
    last = {.end = text.size(), .size = row.size()};
  }

  void Space() {
    signed_ = false;
    if (ends_statement_) text_.Append(";");
    ends_statement_ = false;
    if (before_ != Before::kNothing && before_ != Before::kOpen && before_ != Before::kDot) {
      text_.Append(" ");
    }
  }

  const SqlDialect dialect_;
  BoundedText text_;
  BoundedText summary_;
  std::string_view operation_;
  std::string_view last_keyword_;
  Before before_ = Before::kNothing;
  size_t tables_ = 0;         // in the summary
  bool wants_table_ = false;  // the next name is a table's
  bool names_table_ = false;  // the last name was
  bool ends_statement_ = false;
  // A sign that may belong to the literal behind it.
  bool signed_ = false;
  size_t sign_at_ = 0;
  Before before_sign_ = Before::kNothing;
  // Parentheses that are open, and by depth the last that were closed.
  struct Row {
    size_t end = 0;
    size_t size = 0;
  };
  size_t depth_ = 0;
  size_t opened_at_[kMaxDepth];
  bool is_call_[kMaxDepth];
  Row last_row_[kMaxDepth];
};

}  // namespace

SqlText NormaliseSql(std::string_view sql, bool cut, SqlDialect dialect, SqlBuffer& buffer) {
  return SqlNormaliser(dialect, buffer).Run(sql, cut);
}

}  // namespace leadline::agent::protocols::normalise
