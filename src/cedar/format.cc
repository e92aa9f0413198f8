#include "cedar/format.h"

#include <algorithm>
#include <array>

#include "cedar/parser.h"

namespace keyturn::cedar {
namespace {

constexpr std::size_t kWidth = 80;

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

bool is_keyword(std::string_view text) {
  return is_one_of(text, {"if", "then", "else", "in", "is", "has", "like"});
}
bool opens(std::string_view text) { return is_one_of(text, {"(", "[", "{"}); }
bool closes(std::string_view text) { return is_one_of(text, {")", "]", "}"}); }

// A token's text, and whether it is an operator with one operand.
struct Piece {
  std::string_view text;
  bool is_unary = false;
};
using Pieces = std::span<const Piece>;

// Whether an operand ends with `text`, so that a `-` or `(` after it belongs to it.
bool ends_operand(std::string_view text) {
  const char c = text.back();
  const bool is_word = c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
                       (c >= 'A' && c <= 'Z') || c == '"';
  return (is_word && !is_keyword(text)) || is_one_of(text, {")", "]", "}"});
}

bool needs_space(const Piece& before, const Piece& after) {
  if (before.is_unary || is_one_of(before.text, {".", "::", "@"}) || opens(before.text))
    return false;
  if (is_one_of(after.text, {",", ";", ".", "::", ":"}) || closes(after.text)) return false;
  if (is_one_of(after.text, {"(", "["})) return !ends_operand(before.text);
  return true;
}

std::string joined(Pieces pieces) {
  std::string text;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (i > 0 && needs_space(pieces[i - 1], pieces[i])) text += ' ';
    text += pieces[i].text;
  }
  return text;
}

// Broken over lines, each indented by `indent`; the first line's indentation is the caller's.
std::string broken(Pieces pieces, std::size_t indent, unsigned depth);

// At `symbol` outside of brackets; empty when there is none.
std::string split_at(Pieces pieces, std::string_view symbol, std::size_t indent, unsigned depth) {
  std::string text;
  std::size_t start = 0;
  int open = 0;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (opens(pieces[i].text)) ++open;
    if (closes(pieces[i].text)) --open;
    if (open != 0 || pieces[i].text != symbol) continue;
    text += broken(pieces.subspan(start, i + 1 - start), indent, depth + 1) + "\n" +
            std::string(indent, ' ');
    start = i + 1;
  }
  if (start == 0) return {};
  return text + broken(pieces.subspan(start), indent, depth + 1);
}

// Around the widest bracket; empty when there is none.
std::string split_bracket(Pieces pieces, std::size_t indent, unsigned depth) {
  std::size_t best = 0;
  std::size_t best_size = 0;
  std::vector<std::size_t> open;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    if (opens(pieces[i].text)) open.push_back(i);
    if (!closes(pieces[i].text) || open.empty()) continue;
    const std::size_t size = i - open.back();
    if (open.size() == 1 && size > best_size) {
      best = open.back();
      best_size = size;
    }
    open.pop_back();
  }
  if (best_size < 2) return {};
  const Pieces inner = pieces.subspan(best + 1, best_size - 1);
  std::string inside = split_at(inner, ",", indent + 2, depth + 1);
  if (inside.empty()) inside = broken(inner, indent + 2, depth + 1);
  return joined(pieces.first(best + 1)) + "\n" + std::string(indent + 2, ' ') + inside + "\n" +
         std::string(indent, ' ') + joined(pieces.subspan(best + best_size));
}

std::string broken(Pieces pieces, std::size_t indent, unsigned depth) {
  std::string line = joined(pieces);
  if (indent + line.size() <= kWidth || depth > kDepthMax) return line;
  for (const std::string_view symbol : {"||", "&&"}) {
    // The operator that ends a part is not one to break at again.
    const Pieces inner = pieces.back().text == symbol ? pieces.first(pieces.size() - 1) : pieces;
    std::string text = split_at(inner, symbol, indent, depth);
    if (!text.empty())
      return inner.size() < pieces.size() ? text + " " + std::string(symbol) : text;
  }
  std::string text = split_bracket(pieces, indent, depth);
  return text.empty() ? line : text;
}

class Formatter {
 public:
  Formatter(std::string_view source, const std::vector<Token>& tokens)
      : source_(source), tokens_(tokens) {}

  std::string run(const std::vector<std::shared_ptr<const Body>>& bodies) {
    std::uint32_t end = 0;
    for (const auto& body : bodies) {
      between(end, body->range.begin);
      policy(*body);
      end = body->range.end;
    }
    between(end, static_cast<std::uint32_t>(source_.size()));
    if (!out_.empty() && out_.back() != '\n') out_ += '\n';
    return std::move(out_);
  }

 private:
  // The comments from one policy to the next: those on the first one's line stay there.
  void between(std::uint32_t begin, std::uint32_t end) {
    std::string_view gap = source_.substr(begin, end - begin);
    bool is_same_line = begin > 0;
    bool is_first = true;
    while (true) {
      const std::size_t newline = gap.find_first_of("\r\n");
      const std::string_view line = gap.substr(0, newline);
      if (const std::size_t comment = line.find("//"); comment != std::string_view::npos) {
        std::string_view text = line.substr(comment);
        text = text.substr(0, text.find_last_not_of(" \t") + 1);
        if (is_same_line) {
          out_ += ' ';
        } else if (!out_.empty()) {
          out_ += is_first ? "\n\n" : "\n";
        }
        if (!is_same_line) is_first = false;
        out_ += text;
      }
      if (newline == std::string_view::npos) break;
      gap.remove_prefix(newline + 1);
      is_same_line = false;
    }
    if (end == source_.size()) return;
    if (!out_.empty()) out_ += is_first ? "\n\n" : "\n";
  }

  // The first token at or behind `at`.
  std::vector<Token>::const_iterator token_from(std::uint32_t at) const {
    return std::lower_bound(
        tokens_.begin(), tokens_.end(), at,
        [](const Token& token, std::uint32_t wanted) { return token.range.begin < wanted; });
  }

  bool has_comment(const Body& body) const {
    std::uint32_t end = body.range.begin;
    for (auto token = token_from(end); token->range.end <= body.range.end; ++token) {
      if (token->kind == TokenKind::kEnd) break;
      if (source_.substr(end, token->range.begin - end).find("//") != std::string_view::npos) {
        return true;
      }
      end = token->range.end;
    }
    return false;
  }

  std::vector<Piece> pieces_of(Range range) const {
    std::vector<Piece> pieces;
    for (auto token = token_from(range.begin); token->range.end <= range.end; ++token) {
      if (token->kind == TokenKind::kEnd) break;
      Piece piece;
      piece.text = source_.substr(token->range.begin, token->range.end - token->range.begin);
      piece.is_unary = piece.text == "!" ||
                       (piece.text == "-" && (pieces.empty() || !ends_operand(pieces.back().text)));
      pieces.push_back(piece);
    }
    return pieces;
  }

  void policy(const Body& body) {
    if (has_comment(body)) {
      out_ += source_.substr(body.range.begin, body.range.end - body.range.begin);
      return;
    }
    for (const Note& note : body.notes) {
      out_ += "@" + note.key + (note.has_value ? "(" + quote(note.value) + ")" : "") + "\n";
    }
    out_ += body.effect == Effect::kPermit ? "permit (" : "forbid (";
    std::array<std::vector<Piece>, 3> scopes = {pieces_of(body.principal.range),
                                                pieces_of(body.action.range),
                                                pieces_of(body.resource.range)};
    std::string line;
    for (const auto& scope : scopes) line += (line.empty() ? "" : ", ") + joined(scope);
    if (line.size() + 9 <= kWidth) {
      out_ += line;
    } else {
      for (std::size_t i = 0; i < scopes.size(); ++i) {
        out_ += (i == 0 ? "\n  " : ",\n  ") + broken(scopes[i], 2, 0);
      }
      out_ += '\n';
    }
    out_ += ')';
    for (const Clause& clause : body.clauses) this->clause(clause);
    out_ += ';';
  }

  void clause(const Clause& clause) {
    const std::vector<Piece> pieces = pieces_of(clause.range);
    // `when`, `{` … `}`
    const Pieces inner = Pieces(pieces).subspan(2, pieces.size() - 3);
    const std::string word = clause.is_when ? "when" : "unless";
    const std::string line = word + " { " + joined(inner) + " }";
    if (line.size() < kWidth) {
      out_ += "\n" + line;
      return;
    }
    out_ += "\n" + word + " {\n  " + broken(inner, 2, 0) + "\n}";
  }

  std::string_view source_;
  const std::vector<Token>& tokens_;
  std::string out_;
};

}  // namespace

Result<std::string> format_policies(std::string_view text) {
  TRY(const auto bodies, parse_policies(text));
  TRY(const std::vector<Token> tokens, lex(text, Grammar::kPolicy));
  return Formatter(text, tokens).run(bodies);
}

}  // namespace keyturn::cedar
