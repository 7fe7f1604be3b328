#include "agent/protocols/normalise/sql_words.h"

#include <cstddef>
#include <iterator>

#include "agent/protocols/normalise/word_set.h"

namespace leadline::agent::protocols::normalise {
namespace {

// One group after another.
constexpr std::string_view kWords[] = {
    // Verbs
    "ABORT",
    "ALTER",
    "ANALYZE",
    "BEGIN",
    "CALL",
    "CHECK",
    "CHECKPOINT",
    "CLOSE",
    "CLUSTER",
    "COMMENT",
    "COMMIT",
    "COPY",
    "CREATE",
    "DEALLOCATE",
    "DECLARE",
    "DELETE",
    "DESC",
    "DESCRIBE",
    "DISCARD",
    "DO",
    "DROP",
    "END",
    "EXECUTE",
    "EXPLAIN",
    "FETCH",
    "FLUSH",
    "GRANT",
    "HANDLER",
    "INSERT",
    "KILL",
    "LISTEN",
    "LOAD",
    "LOCK",
    "MERGE",
    "MOVE",
    "NOTIFY",
    "OPTIMIZE",
    "PREPARE",
    "REFRESH",
    "REINDEX",
    "RELEASE",
    "RENAME",
    "REPAIR",
    "REPLACE",
    "RESET",
    "REVOKE",
    "ROLLBACK",
    "SAVEPOINT",
    "SELECT",
    "SET",
    "SHOW",
    "START",
    "TRUNCATE",
    "UNLISTEN",
    "UNLOCK",
    "USE",
    "VACUUM",
    "VALUES",
    "WITH",
    "XA",
    // A table comes next
    "FROM",
    "INTO",
    "JOIN",
    "TABLE",
    "UPDATE",
    // Before that table
    "CONCURRENTLY",
    "EXISTS",
    "IF",
    "IGNORE",
    "LATERAL",
    "NOT",
    "ONLY",
    "LOW_PRIORITY",
    // Literals
    "FALSE",
    "NULL",
    "TRUE",
    // Others
    "ADD",
    "ALL",
    "AND",
    "ANY",
    "AS",
    "ASC",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "COLUMN",
    "CONFLICT",
    "CONSTRAINT",
    "CROSS",
    "DEFAULT",
    "DISTINCT",
    "DUPLICATE",
    "ELSE",
    "EXCEPT",
    "FIRST",
    "FOR",
    "FOREIGN",
    "FULL",
    "GROUP",
    "HAVING",
    "ILIKE",
    "IN",
    "INDEX",
    "INNER",
    "INTERSECT",
    "INTERVAL",
    "IS",
    "KEY",
    "LAST",
    "LEFT",
    "LIKE",
    "LIMIT",
    "LOCKED",
    "NATURAL",
    "NOTHING",
    "NOWAIT",
    "NULLS",
    "OFFSET",
    "ON",
    "OR",
    "ORDER",
    "OUTER",
    "OUTFILE",
    "OVER",
    "PARTITION",
    "PRIMARY",
    "RECURSIVE",
    "REFERENCES",
    "REGEXP",
    "RETURNING",
    "RIGHT",
    "ROW",
    "ROWS",
    "SHARE",
    "SIMILAR",
    "SKIP",
    "SOME",
    "THEN",
    "TO",
    "TRANSACTION",
    "UNION",
    "UNIQUE",
    "USING",
    "VIEW",
    "WHEN",
    "WHERE",
    "WINDOW",
    "WORK",
};

constexpr WordSet kWordSet(kWords);

constexpr size_t PlaceOf(std::string_view word) { return kWordSet.Find(word); }
constexpr size_t kTargetsBegin = PlaceOf("FROM");
constexpr size_t kPausesBegin = PlaceOf("CONCURRENTLY");
constexpr size_t kValuesBegin = PlaceOf("FALSE");
constexpr size_t kOthersBegin = PlaceOf("ADD");
static_assert(kTargetsBegin < kPausesBegin && kPausesBegin < kValuesBegin &&
              kValuesBegin < kOthersBegin && kOthersBegin < std::size(kWords));

}  // namespace

SqlWord FindSqlWord(std::string_view word) {
  const size_t place = kWordSet.Find(word);
  if (place == kWordSet.size()) return {.text = word};
  SqlWordKind kind = SqlWordKind::kKeyword;
  if (place < kTargetsBegin) {
    kind = SqlWordKind::kVerb;
  } else if (place < kPausesBegin) {
    kind = SqlWordKind::kTarget;
  } else if (place < kValuesBegin) {
    kind = SqlWordKind::kPause;
  } else if (place < kOthersBegin) {
    kind = SqlWordKind::kValue;
  }
  return {.kind = kind, .text = kWordSet[place]};
}

}  // namespace leadline::agent::protocols::normalise
