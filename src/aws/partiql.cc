#include "aws/partiql.h"

#include <algorithm>

namespace keyturn::aws {
namespace {

constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kSpace = " \t\r\n";
constexpr std::string_view kMarks = "()[]{},.:?*=<>+-/!|%";
constexpr std::size_t kNameBytesMin = 3;
constexpr std::size_t kNameBytesMax = 255;

bool is_letter(char c) { return kLetters.find(c) != std::string_view::npos; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word_char(char c) { return is_letter(c) || is_digit(c) || c == '_'; }

struct Token {
  enum class Kind { kWord, kQuoted, kText, kNumber, kMark };
  Kind kind = Kind::kMark;
  std::string text;  // of a word, in lower case; `name` as it was

  bool is(std::string_view word) const { return kind == Kind::kWord && text == word; }
  bool is_mark(char mark) const { return kind == Kind::kMark && text[0] == mark; }
  std::string name;
};

// With its quotes doubled inside. Nothing when it does not end.
std::optional<std::string> take_quoted(std::string_view& rest) {
  const char quote = rest.front();
  std::string text;
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] != quote) {
      text += rest[i];
    } else if (i + 1 < rest.size() && rest[i + 1] == quote) {
      text += rest[i++];
    } else {
      rest.remove_prefix(i + 1);
      return text;
    }
  }
  return std::nullopt;
}

std::string take_while(std::string_view& rest, bool (*belongs)(char)) {
  const auto end = std::find_if_not(rest.begin(), rest.end(), belongs);
  std::string taken(rest.begin(), end);
  rest.remove_prefix(taken.size());
  return taken;
}

std::optional<Token> take_token(std::string_view& rest) {
  const char c = rest.front();
  if (c == '"' || c == '\'') {
    auto text = take_quoted(rest);
    if (!text) return std::nullopt;
    return Token{c == '"' ? Token::Kind::kQuoted : Token::Kind::kText, *text, *text};
  }
  if (is_letter(c) || c == '_') {
    std::string word = take_while(rest, is_word_char);
    return Token{Token::Kind::kWord, to_lower(word), word};
  }
  if (is_digit(c)) return Token{Token::Kind::kNumber, take_while(rest, is_word_char), {}};
  // Comments could hide a part from one reader and not from another.
  if (rest.starts_with("--") || rest.starts_with("/*")) return std::nullopt;
  if (kMarks.find(c) == kMarks.npos) return std::nullopt;
  rest.remove_prefix(1);
  return Token{Token::Kind::kMark, std::string(1, c), {}};
}

std::optional<std::vector<Token>> tokens_of(std::string_view statement) {
  std::vector<Token> tokens;
  while (true) {
    statement.remove_prefix(std::min(statement.find_first_not_of(kSpace), statement.size()));
    if (statement.empty()) return tokens;
    auto token = take_token(statement);
    if (!token) return std::nullopt;
    tokens.push_back(std::move(*token));
  }
}

bool is_name(const Token& token) {
  if (token.kind != Token::Kind::kWord && token.kind != Token::Kind::kQuoted) return false;
  return token.name.size() >= kNameBytesMin && token.name.size() <= kNameBytesMax &&
         std::all_of(token.name.begin(), token.name.end(),
                     [](char c) { return is_word_char(c) || c == '-' || c == '.'; });
}

// Where the table's name must stand.
std::optional<std::size_t> place_of_table(const std::vector<Token>& tokens) {
  const auto is_from = [](const Token& token) { return token.is("from"); };
  const auto froms = std::count_if(tokens.begin(), tokens.end(), is_from);
  if (tokens[0].is("select") && froms == 1) {
    const auto from = std::find_if(tokens.begin(), tokens.end(), is_from);
    return static_cast<std::size_t>(from - tokens.begin()) + 1;
  }
  if (tokens[0].is("update") && froms == 0) return 1;
  const bool insert = tokens[0].is("insert") && tokens.size() > 1 && tokens[1].is("into");
  const bool remove = tokens[0].is("delete") && tokens.size() > 1 && tokens[1].is("from");
  if ((insert && froms == 0) || (remove && froms == 1)) return 2;
  return std::nullopt;
}

// What may follow the name.
bool may_follow(const Token& first, const Token* next) {
  if (next == nullptr) return first.is("select") || first.is("delete");
  if (first.is("select")) return next->is("where") || next->is("order");
  if (first.is("update")) return next->is("set") || next->is("remove");
  if (first.is("insert")) return next->is("value");
  return next->is("where") || next->is("returning");
}

}  // namespace

Effect effect_of_partiql(std::string_view statement) {
  // A comment could hide the first word from one reader and not from another.
  const std::size_t begin = statement.find_first_not_of(kSpace);
  if (begin == statement.npos) return Effect::kDestroy;
  statement.remove_prefix(begin);
  const std::string word = to_lower(statement.substr(0, statement.find_first_not_of(kLetters)));
  if (word == "select") return Effect::kReveal;
  if (word == "insert" || word == "update") return Effect::kChange;
  return Effect::kDestroy;
}

std::optional<std::string> target_of_partiql(std::string_view statement) {
  const auto tokens = tokens_of(statement);
  if (!tokens || tokens->empty()) return std::nullopt;
  const auto place = place_of_table(*tokens);
  if (!place || *place >= tokens->size() || !is_name((*tokens)[*place])) return std::nullopt;
  const auto at = [&](std::size_t i) { return i < tokens->size() ? &(*tokens)[i] : nullptr; };
  std::string target = "table/" + (*tokens)[*place].name;
  std::size_t next = *place + 1;
  if (at(next) != nullptr && at(next)->is_mark('.')) {
    const Token* index = at(next + 1);
    if (!tokens->front().is("select") || index == nullptr || !is_name(*index)) return std::nullopt;
    target += "/index/" + index->name;
    next += 2;
  }
  if (!may_follow(tokens->front(), at(next))) return std::nullopt;
  return target;
}

std::optional<std::vector<const std::string*>> partiql_of(std::string_view operation,
                                                          const Input& input) {
  std::vector<const std::string*> statements;
  if (operation == "ExecuteStatement") {
    for (const Json* one : input.at("b.Statement")) statements.push_back(one->if_string());
    return statements;
  }
  const bool batch = operation == "BatchExecuteStatement";
  if (!batch && operation != "ExecuteTransaction") return std::nullopt;
  for (const Json* one : input.at(batch ? "b.Statements[]" : "b.TransactStatements[]")) {
    const Json* statement = one->find("Statement");
    statements.push_back(statement == nullptr ? nullptr : statement->if_string());
  }
  return statements;
}

}  // namespace keyturn::aws
