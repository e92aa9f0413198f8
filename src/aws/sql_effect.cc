#include "aws/sql_effect.h"

#include <pg_query.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/bytes.h"
#include "base/json.h"

namespace keyturn::aws {
namespace {

// Functions that compute from their arguments alone, or tell the time. Sorted.
constexpr std::array<std::string_view, 88> kPure = {"abs",
                                                    "age",
                                                    "array_agg",
                                                    "array_length",
                                                    "avg",
                                                    "bit_length",
                                                    "bool_and",
                                                    "bool_or",
                                                    "btrim",
                                                    "ceil",
                                                    "ceiling",
                                                    "char_length",
                                                    "concat",
                                                    "concat_ws",
                                                    "count",
                                                    "cume_dist",
                                                    "current_database",
                                                    "current_schema",
                                                    "date",
                                                    "date_add",
                                                    "date_part",
                                                    "date_trunc",
                                                    "datediff",
                                                    "dense_rank",
                                                    "exp",
                                                    "extract",
                                                    "first_value",
                                                    "floor",
                                                    "format",
                                                    "generate_series",
                                                    "getdate",
                                                    "initcap",
                                                    "json_agg",
                                                    "json_build_object",
                                                    "jsonb_agg",
                                                    "jsonb_build_object",
                                                    "lag",
                                                    "last_value",
                                                    "lead",
                                                    "left",
                                                    "length",
                                                    "listagg",
                                                    "ln",
                                                    "log",
                                                    "lower",
                                                    "lpad",
                                                    "ltrim",
                                                    "max",
                                                    "md5",
                                                    "median",
                                                    "min",
                                                    "mod",
                                                    "now",
                                                    "ntile",
                                                    "nvl",
                                                    "octet_length",
                                                    "overlay",
                                                    "percent_rank",
                                                    "percentile_cont",
                                                    "percentile_disc",
                                                    "position",
                                                    "pow",
                                                    "power",
                                                    "random",
                                                    "rank",
                                                    "regexp_replace",
                                                    "repeat",
                                                    "replace",
                                                    "reverse",
                                                    "right",
                                                    "round",
                                                    "row_number",
                                                    "rpad",
                                                    "rtrim",
                                                    "sign",
                                                    "split_part",
                                                    "sqrt",
                                                    "stddev",
                                                    "string_agg",
                                                    "strpos",
                                                    "substr",
                                                    "substring",
                                                    "sum",
                                                    "to_char",
                                                    "to_date",
                                                    "trim",
                                                    "upper",
                                                    "version"};
static_assert(std::is_sorted(kPure.begin(), kPure.end()));

class Parsed {
 public:
  explicit Parsed(const std::string& sql) : result_(pg_query_parse(sql.c_str())) {}
  Parsed(const Parsed&) = delete;
  Parsed& operator=(const Parsed&) = delete;
  ~Parsed() { pg_query_free_parse_result(result_); }
  const char* tree() const { return result_.error == nullptr ? result_.parse_tree : nullptr; }

 private:
  PgQueryParseResult result_;
};

// Outside quotes, `:name` becomes `$1`. Nothing where a reader of another dialect could see other
// statements in the text.
std::optional<std::string> plain_statement(std::string_view sql) {
  std::string out;
  char quote = '\0';
  for (std::size_t i = 0; i < sql.size(); ++i) {
    const char c = sql[i];
    const char next = i + 1 < sql.size() ? sql[i + 1] : '\0';
    if (c == '\\' || c == '\0' || c == '`') return std::nullopt;
    if (quote != '\0') {
      if (c == quote) quote = '\0';
      out += c;
      continue;
    }
    if (c == '\'' || c == '"') quote = c;
    const bool comment = c == '#' || (c == '-' && next == '-') || (c == '/' && next == '*');
    if (comment || c == '$' || c == '?') return std::nullopt;
    const bool letter = (next >= 'a' && next <= 'z') || (next >= 'A' && next <= 'Z') || next == '_';
    if (c == ':' && letter && (i == 0 || sql[i - 1] != ':')) {
      out += "$1";
      while (i + 1 < sql.size() &&
             (std::isalnum(static_cast<unsigned char>(sql[i + 1])) != 0 || sql[i + 1] == '_')) {
        ++i;
      }
      continue;
    }
    out += c;
  }
  if (quote != '\0') return std::nullopt;
  return out;
}

bool mentions(const Json& tree, std::string_view key) {
  if (const auto* array = tree.if_array()) {
    return std::any_of(array->begin(), array->end(),
                       [&](const Json& item) { return mentions(item, key); });
  }
  const auto* object = tree.if_object();
  return object != nullptr && std::any_of(object->begin(), object->end(), [&](const auto& member) {
           return member.first == key || mentions(member.second, key);
         });
}

class Judge {
 public:
  SqlEffect take() {
    if (effect_.why.empty()) effect_.why = "it only reads";
    return std::move(effect_);
  }

  void statement(const Json& wrapped) {
    const auto* object = wrapped.if_object();
    if (object == nullptr || object->size() != 1)
      return raise(Effect::kDestroy, "it is unreadable");
    const auto& [kind, inner] = object->front();
    own(kind, inner);
    // Common table expressions may modify, functions may do anything.
    nested(inner);
  }

  Judge() { effect_.effect = Effect::kObserve; }

 private:
  void raise(Effect effect, std::string why) {
    if (stricter(effect_.effect, effect) == effect_.effect && !effect_.why.empty()) return;
    if (stricter(effect_.effect, effect) == effect) effect_ = {effect, std::move(why)};
  }

  void own(std::string_view kind, const Json& inner) {
    if (kind == "SelectStmt") {
      if (inner.find("intoClause") != nullptr) raise(Effect::kChange, "it makes a table");
      if (inner.find("lockingClause") != nullptr) raise(Effect::kChange, "it locks rows");
    } else if (kind == "InsertStmt") {
      raise(Effect::kChange, "it inserts");
    } else if (kind == "UpdateStmt") {
      const Json* where = inner.find("whereClause");
      const bool narrow = where != nullptr && mentions(*where, "ColumnRef");
      raise(narrow ? Effect::kChange : Effect::kDestroy,
            narrow ? "it updates the rows that meet a condition" : "it updates every row");
    } else if (kind == "VariableShowStmt" || kind == "ExplainStmt") {
      if (kind == "ExplainStmt" && inner.find("options") != nullptr) {
        raise(Effect::kDestroy, "explaining with options may run it");
      }
    } else if (kind == "TransactionStmt" || kind == "VariableSetStmt") {
      raise(Effect::kChange, "it steers the session");
    } else if (kind == "AlterTableStmt") {
      raise(alters(inner), "it alters a table");
    } else if (kind.starts_with("Grant") || kind == "AlterDefaultPrivilegesStmt" ||
               kind.find("Role") != kind.npos || kind.find("Policy") != kind.npos ||
               kind == "AlterOwnerStmt") {
      raise(Effect::kGrant, "it alters who may do what");
    } else if (kind == "CreateStmt" || kind == "CreateTableAsStmt" || kind == "IndexStmt" ||
               kind == "CreateSchemaStmt" || kind == "CommentStmt" || kind == "CreateSeqStmt") {
      raise(Effect::kChange, "it makes something new");
    } else {
      raise(Effect::kDestroy, fmt::format("{} may destroy", kind));
    }
  }

  static Effect alters(const Json& inner) {
    const std::string text = to_text(inner);
    constexpr std::array<std::string_view, 4> kMild = {
        R"("subtype":"AT_AddColumn")", R"("subtype":"AT_AddConstraint")",
        R"("subtype":"AT_ColumnDefault")", R"("subtype":"AT_SetNotNull")"};
    std::size_t mild = 0;
    for (const std::string_view subtype : kMild) {
      for (std::size_t at = text.find(subtype); at != text.npos; at = text.find(subtype, at + 1)) {
        ++mild;
      }
    }
    std::size_t all = 0;
    for (std::size_t at = text.find(R"("subtype":)"); at != text.npos;
         at = text.find(R"("subtype":)", at + 1)) {
      ++all;
    }
    return all > 0 && mild == all ? Effect::kChange : Effect::kDestroy;
  }

  void nested(const Json& tree) {
    if (const auto* array = tree.if_array()) {
      for (const Json& item : *array) nested(item);
    }
    const auto* object = tree.if_object();
    if (object == nullptr) return;
    for (const auto& [key, inner] : *object) {
      if (key == "FuncCall") call(inner);
      // Kinds of nodes begin with a capital; members that hold one do not.
      if (key.ends_with("Stmt") && key.front() < 'a') own(key, inner);
      if (key == "intoClause") raise(Effect::kChange, "it makes a table");
      nested(inner);
    }
  }

  void call(const Json& inner) {
    const Json* names = inner.find("funcname");
    const auto* parts = names == nullptr ? nullptr : names->if_array();
    std::string name;
    if (parts != nullptr && !parts->empty()) {
      const Json* text = parts->back().find("String");
      if (text != nullptr) name = text->string_or("sval", "");
    }
    const bool of_schema =
        parts == nullptr || parts->size() > 2 ||
        (parts->size() == 2 && to_text(parts->front()).find("pg_catalog") == std::string::npos);
    if (of_schema || !std::binary_search(kPure.begin(), kPure.end(), name)) {
      raise(Effect::kDestroy,
            fmt::format("it calls `{}`, which may do anything", printable(name, 64)));
    }
  }

  SqlEffect effect_;
};

}  // namespace

SqlEffect effect_of_sql(std::string_view sql) {
  if (sql.size() > kSqlBytesMax)
    return {Effect::kDestroy, "the statement is too long to look into"};
  const auto plain = plain_statement(sql);
  if (!plain) {
    return {Effect::kDestroy, "comments, backslashes or dollar quotes let readers differ"};
  }
  const Parsed parsed(*plain);
  if (parsed.tree() == nullptr) return {Effect::kDestroy, "the statement cannot be read"};
  const auto tree = parse_strict(parsed.tree(), {.depth_max = 512});
  const Json* statements = tree ? tree->find("stmts") : nullptr;
  const auto* list = statements == nullptr ? nullptr : statements->if_array();
  if (list == nullptr || list->empty()) return {Effect::kDestroy, "there is no statement"};
  Judge judge;
  for (const Json& item : *list) {
    const Json* statement = item.find("stmt");
    judge.statement(statement == nullptr ? Json() : *statement);
  }
  return judge.take();
}

}  // namespace keyturn::aws
