#include "agent/protocols/normalise/sql.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace leadline::agent::protocols::normalise {
namespace {

struct SqlCase {
  std::string_view sql;
  std::string_view text;
  std::string_view summary;
  SqlDialect dialect = SqlDialect::kPostgres;
};

constexpr auto kMysql = SqlDialect::kMysql;
constexpr auto kNoBackslash = SqlDialect::kMysqlNoBackslash;

constexpr SqlCase kSqlCases[] = {
    {"select * from Users where id=42 and name in ('a','b')",
     "SELECT * FROM Users WHERE id = ? AND name IN (?)", "SELECT Users"},
    {"SELECT a,b FROM s.t WHERE x = $1 ;", "SELECT a, b FROM s.t WHERE x = ?", "SELECT s.t"},
    {"insert into t(a,b) values (1,'x'),(2,'y'),(3,'z')", "INSERT INTO t (a, b) VALUES (?)",
     "INSERT t"},
    {"insert into t values (1, now()), (2, now())", "INSERT INTO t VALUES (?, now())", "INSERT t"},
    {"update t set a = -1, b = NULL where c is not null",
     "UPDATE t SET a = ?, b = ? WHERE c IS NOT NULL", "UPDATE t"},
    {"INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE n = n + 1",
     "INSERT INTO t VALUES (?) ON DUPLICATE KEY UPDATE n = n + ?", "INSERT t", kMysql},
    {"WITH x AS (SELECT 1 FROM a) SELECT * FROM x JOIN b ON x.i = b.i",
     "WITH x AS (SELECT ? FROM a) SELECT * FROM x JOIN b ON x.i = b.i", "SELECT x b"},
    {"select extract(year from d) from t", "SELECT extract(year FROM d) FROM t", "SELECT t"},
    {"select 1; select 'x'", "SELECT ?; SELECT ?", "SELECT"},
    {"SELECT 1e-5, 0xff, .5, -2, 1.5::int", "SELECT ?::int", "SELECT"},
    {"SELECT a - 1, a -1, (-1)", "SELECT a - ?, a - ?, (?)", "SELECT"},
    {"/* s3cr3t */ SELECT 1 -- s3cr3t\n + 2 # s3cr3t", "SELECT ? + ?", "SELECT", kMysql},
    {"SELECT /*!40101 SQL_NO_CACHE 's3cr3t' */ a", "SELECT SQL_NO_CACHE ? a", "SELECT", kMysql},
    {"SELECT /* a /* nested */ s3cr3t */ a", "SELECT a", "SELECT"},
    {"SELECT 'it''s s3cr3t'", "SELECT ?", "SELECT"},
    {"SELECT 'it\\'s s3cr3t', a", "SELECT ?, a", "SELECT", kMysql},
    {"SELECT 'x\\', a", "SELECT ?, a", "SELECT", kNoBackslash},
    {"SELECT \"s3cr3t\", `a b`, `c`", "SELECT ?, ?, c", "SELECT", kMysql},
    {"SELECT \"a\", \"b c\" FROM \"T\"", "SELECT a, ? FROM T", "SELECT T"},
    {"SELECT E'it\\'s s3cr3t', N'x', X'ff', _utf8'x', $$s3cr3t$$, $a$ s3cr3t $$ $a$, b",
     "SELECT ?, b", "SELECT"},
    {"SELECT * FROM orders_20240131 o, t12", "SELECT * FROM orders_? o, t12", "SELECT orders_?"},
    {"TRUNCATE TABLE t", "TRUNCATE TABLE t", "TRUNCATE t"},
    {"CREATE TABLE IF NOT EXISTS t (id int NOT NULL)",
     "CREATE TABLE IF NOT EXISTS t (id int NOT NULL)", "CREATE t"},
    {"COPY t FROM STDIN", "COPY t FROM STDIN", "COPY t"},
    {"(SELECT 1)", "(SELECT ?)", "SELECT"},
    {"ALTER USER ann PASSWORD 's3cr3t'", "ALTER USER ann PASSWORD ?", "ALTER"},
    {"SELECT a FROM t FOR UPDATE", "SELECT a FROM t FOR UPDATE", "SELECT t"},
    {"BEGIN", "BEGIN", "BEGIN"},
};

SqlText Normalise(std::string_view sql, SqlDialect dialect, SqlBuffer& buffer, bool cut = false) {
  return NormaliseSql(sql, cut, dialect, buffer);
}

TEST(SqlTest, HasOneFormWithoutLiterals) {
  for (const SqlCase& c : kSqlCases) {
    SqlBuffer buffer;
    const SqlText sql = Normalise(c.sql, c.dialect, buffer);
    EXPECT_EQ(sql.text, c.text) << c.sql;
    EXPECT_EQ(sql.summary, c.summary) << c.sql;
    EXPECT_FALSE(sql.cut) << c.sql;
  }
}

TEST(SqlTest, TellsNothingOfWhatIsNoStatement) {
  for (const std::string_view sql :
       {"", "   ", "s3cr3t is my password", "'s3cr3t'", "hunter2", "(s3cr3t)"}) {
    SqlBuffer buffer;
    const SqlText text = Normalise(sql, SqlDialect::kPostgres, buffer);
    EXPECT_EQ(text.text, "") << sql;
    EXPECT_EQ(text.operation, "_OTHER") << sql;
  }
}

// What follows may be a literal or not: it depends on the server's settings.
TEST(SqlTest, StopsWhereALiteralMayEnd) {
  SqlBuffer buffer;
  const SqlText sql = Normalise("SELECT a, 'x\\' OR b = 's3cr3t'", SqlDialect::kPostgres, buffer);
  EXPECT_EQ(sql.text, "SELECT a");
  EXPECT_TRUE(sql.cut);
}

TEST(SqlTest, CutAnywhereTellsNoLiteral) {
  constexpr SqlCase kSql[] = {
      {"SELECT a, 's3cr3t', $x$s3cr3t$x$, E's3\\'cr3t' FROM t WHERE b = 's3cr3t''s3cr3t' /* s3cr3t "
       "*/ "
       "AND c IN (1, 's3cr3t') -- s3cr3t",
       "", ""},
      {"SELECT a, 's3\\'cr3t', \"s3cr3t\" FROM t WHERE b = 's3cr3t''s3cr3t' /* s3cr3t */ AND "
       "c IN (1, 's3cr3t') # s3cr3t",
       "", "", kMysql},
  };
  for (const SqlCase& c : kSql) {
    for (size_t size = 0; size <= c.sql.size(); ++size) {
      SqlBuffer buffer;
      const SqlText sql = Normalise(c.sql.substr(0, size), c.dialect, buffer, true);
      EXPECT_EQ(sql.text.find("s3"), std::string_view::npos) << sql.text;
      EXPECT_EQ(sql.text.find("cr3t"), std::string_view::npos) << sql.text;
    }
  }
}

TEST(SqlTest, IsBounded) {
  std::string sql = "SELECT ";
  for (int i = 0; i < 1000; ++i) sql += "column_" + std::to_string(i % 100) + ", ";
  SqlBuffer buffer;
  const SqlText text = Normalise(sql + "x FROM t", SqlDialect::kPostgres, buffer);
  EXPECT_LE(text.text.size(), kMaxSql);
  EXPECT_TRUE(text.cut);
  const std::string deep(5000, '(');
  EXPECT_TRUE(Normalise("SELECT " + deep, SqlDialect::kPostgres, buffer).cut);
}

}  // namespace
}  // namespace leadline::agent::protocols::normalise
