#include "collector/api/query_tree.h"

#include <optional>
#include <utility>
#include <vector>

#include "collector/api/json_writer.h"
#include "collector/api/number_text.h"
#include "collector/promql/parse/parser.h"
#include "common/labels.h"
#include "common/status_macros.h"

namespace leadline::collector::api {
namespace {

namespace parse = promql::parse;
using parse::As;
using parse::ExprKind;

// As the tree names the types.
std::string_view TypeText(promql::ValueType type) {
  switch (type) {
    case promql::ValueType::kScalar:
      return "scalar";
    case promql::ValueType::kString:
      return "string";
    case promql::ValueType::kInstantVector:
      return "vector";
    case promql::ValueType::kRangeVector:
      return "matrix";
  }
  return "none";
}

class TreeWriter {
 public:
  explicit TreeWriter(JsonWriter& json) : json_(json) {}

  void Write(const parse::Expr& expr) {
    json_.BeginObject();
    switch (expr.kind) {
      case ExprKind::kNumber: {
        Type("numberLiteral");
        json_.Key("val");
        json_.ScalarValue(As<parse::NumberLiteral>(expr).value);
        break;
      }
      case ExprKind::kString:
        Type("stringLiteral");
        Text("val", As<parse::StringLiteral>(expr).value);
        break;
      case ExprKind::kVectorSelector:
        Selector(As<parse::VectorSelector>(expr), std::nullopt);
        Type("vectorSelector");
        break;
      case ExprKind::kMatrixSelector:
        Selector(*As<parse::MatrixSelector>(expr).selector,
                 As<parse::MatrixSelector>(expr).range_ms);
        Type("matrixSelector");
        break;
      case ExprKind::kSubquery:
        Fields(As<parse::Subquery>(expr));
        break;
      case ExprKind::kParen:
        Child("expr", As<parse::Paren>(expr).inner.get());
        Type("parenExpr");
        break;
      case ExprKind::kUnary:
        Child("expr", As<parse::Unary>(expr).inner.get());
        Text("op", As<parse::Unary>(expr).negate ? "-" : "+");
        Type("unaryExpr");
        break;
      case ExprKind::kBinary:
        Fields(As<parse::Binary>(expr));
        break;
      case ExprKind::kAggregate:
        Fields(As<parse::Aggregate>(expr));
        break;
      case ExprKind::kCall:
        Fields(As<parse::Call>(expr));
        break;
    }
    json_.EndObject();
  }

 private:
  void Type(std::string_view type) { Text("type", type); }

  void Text(std::string_view key, std::string_view text) {
    json_.Key(key);
    json_.String(text);
  }

  void Number(std::string_view key, int64_t value) {
    json_.Key(key);
    json_.Integer(value);
  }

  void Flag(std::string_view key, bool value) {
    json_.Key(key);
    json_.Bool(value);
  }

  void Null(std::string_view key) {
    json_.Key(key);
    json_.Raw("null");
  }

  void Texts(std::string_view key, const std::vector<std::string>& texts) {
    json_.Key(key);
    json_.BeginArray();
    for (const std::string& text : texts) json_.String(text);
    json_.EndArray();
  }

  // null where it is nullptr.
  void Child(std::string_view key, const parse::Expr* expr) {
    json_.Key(key);
    if (expr == nullptr) {
      json_.Raw("null");
    } else {
      Write(*expr);
    }
  }

  void StartOrEnd(const parse::TimeModifier& modifier) {
    switch (modifier.at) {
      case parse::TimeModifier::At::kStart:
        return Text("startOrEnd", "start");
      case parse::TimeModifier::At::kEnd:
        return Text("startOrEnd", "end");
      default:
        return Null("startOrEnd");
    }
  }

  void Timestamp(const parse::TimeModifier& modifier) {
    if (modifier.at == parse::TimeModifier::At::kTime) {
      Number("timestamp", modifier.at_ms);
    } else {
      Null("timestamp");
    }
  }

  void Matchers(const std::vector<parse::LabelMatcher>& matchers) {
    constexpr std::string_view kOps[] = {"=", "!=", "=~", "!~"};
    json_.Key("matchers");
    json_.BeginArray();
    for (const parse::LabelMatcher& matcher : matchers) {
      json_.BeginObject();
      Text("name", matcher.name);
      Text("type", kOps[static_cast<size_t>(matcher.op)]);
      Text("value", matcher.value);
      json_.EndObject();
    }
    json_.EndArray();
  }

  // All but the type. `range_ms`: of one with a range.
  void Selector(const parse::VectorSelector& selector, std::optional<int64_t> range_ms) {
    Flag("anchored", selector.edges == parse::Edges::kAnchored);
    Matchers(selector.matchers);
    // The name's matcher is the last one.
    Text("name", selector.named ? selector.matchers.back().value : "");
    Number("offset", selector.modifier.offset_ms.value_or(0));
    if (range_ms.has_value()) Number("range", *range_ms);
    Flag("smoothed", selector.edges == parse::Edges::kSmoothed);
    StartOrEnd(selector.modifier);
    Timestamp(selector.modifier);
  }

  void Fields(const parse::Subquery& subquery) {
    Child("expr", subquery.inner.get());
    Number("offset", subquery.modifier.offset_ms.value_or(0));
    Number("range", subquery.range_ms);
    StartOrEnd(subquery.modifier);
    Number("step", subquery.step_ms);
    Timestamp(subquery.modifier);
    Type("subquery");
  }

  void Fill(std::string_view key, const std::optional<double>& value) {
    json_.Key(key);
    std::string text = "null";
    if (value.has_value()) {
      text.clear();
      AppendFloat(*value, text);
      // No number of JSON.
      if (text.find_first_of("NI") != std::string::npos) text = '"' + text + '"';
    }
    json_.Raw(text);
  }

  void Matching(const parse::Binary& binary) {
    json_.Key("matching");
    if (binary.left->type == promql::ValueType::kScalar ||
        binary.right->type == promql::ValueType::kScalar) {
      return json_.Raw("null");
    }
    constexpr std::string_view kCardinalities[] = {"one-to-one", "many-to-one", "one-to-many"};
    const parse::VectorMatching matching = binary.matching.value_or(parse::VectorMatching());
    json_.BeginObject();
    Text("card", parse::IsSetOperator(binary.op)
                     ? "many-to-many"
                     : kCardinalities[static_cast<size_t>(matching.cardinality)]);
    json_.Key("fillValues");
    json_.BeginObject();
    Fill("lhs", matching.fill_left);
    Fill("rhs", matching.fill_right);
    json_.EndObject();
    Texts("include", matching.include);
    Texts("labels", matching.labels);
    Flag("on", matching.on);
    json_.EndObject();
  }

  void Fields(const parse::Binary& binary) {
    Flag("bool", binary.returns_bool);
    Child("lhs", binary.left.get());
    Matching(binary);
    Text("op", parse::BinaryOpName(binary.op));
    Child("rhs", binary.right.get());
    Type("binaryExpr");
  }

  void Fields(const parse::Aggregate& aggregate) {
    Child("expr", aggregate.inner.get());
    Texts("grouping", aggregate.labels);
    Text("op", parse::AggregateOpName(aggregate.op));
    Child("param", aggregate.parameter.get());
    Type("aggregation");
    Flag("without", aggregate.without);
  }

  void Fields(const parse::Call& call) {
    json_.Key("args");
    json_.BeginArray();
    for (const parse::ExprPtr& argument : call.arguments) Write(*argument);
    json_.EndArray();
    json_.Key("func");
    json_.BeginObject();
    json_.Key("argTypes");
    json_.BeginArray();
    for (size_t i = 0; i < call.function.arguments.size(); ++i) {
      json_.String(TypeText(call.function.argument_type(i)));
    }
    json_.EndArray();
    Text("name", call.function.name);
    Text("returnType", TypeText(call.function.return_type()));
    Number("variadic", call.function.variadic);
    json_.EndObject();
    Type("call");
  }

  JsonWriter& json_;
};

}  // namespace

absl::StatusOr<std::string> QueryTree(std::string_view query) {
  LL_ASSIGN_OR_RETURN(const parse::ExprPtr expr, parse::Parse(query));
  std::string text;
  JsonWriter json(text);
  TreeWriter(json).Write(*expr);
  return text;
}

}  // namespace leadline::collector::api
