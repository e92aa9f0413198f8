// The Cedar schema syntax (RFC 24, 48, 53, 82).
#include <algorithm>
#include <array>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "cedar/parser.h"
#include "cedar/schema_fragment.h"

namespace keyturn::cedar {
namespace {

// `action a, b, c …` is one declaration in the text and three in memory.
constexpr std::size_t kCopiedBytesMax = 8 * kTextBytesMax;

class SchemaParser {
 public:
  explicit SchemaParser(Cursor& cursor) : cursor_(cursor) {}

  Result<std::vector<NamespaceDecl>> run() {
    std::vector<NamespaceDecl> namespaces;
    NamespaceDecl empty;
    while (cursor_.peek().kind != TokenKind::kEnd) {
      TRY(std::vector<Note> notes, this->notes());
      if (!cursor_.is_word("namespace")) {
        TRY_VOID(declaration(std::move(notes), empty));
        continue;
      }
      TRY(NamespaceDecl named, this->named(std::move(notes)));
      if (!known_namespaces_.insert(named.name).second) {
        return fail(
            cursor_.error(named.range, fmt::format("duplicate namespace id: `{}`", named.name)));
      }
      namespaces.push_back(std::move(named));
    }
    if (!empty.entities.empty() || !empty.actions.empty() || !empty.commons.empty()) {
      namespaces.push_back(std::move(empty));
    }
    return namespaces;
  }

 private:
  Result<NamespaceDecl> named(std::vector<Note> notes) {
    const std::uint32_t begin = cursor_.take().range.begin;
    NamespaceDecl result;
    result.notes = std::move(notes);
    TRY(const NameRef name, path());
    result.name = name.name;
    result.range = cursor_.since(begin);
    if (result.name == "__cedar" || result.name.starts_with("__cedar::") ||
        result.name.find("::__cedar") != std::string::npos) {
      return fail(cursor_.error(name.range, "use of the reserved `__cedar` namespace"));
    }
    TRY_VOID(cursor_.expect_symbol("{"));
    while (!cursor_.accept_symbol("}")) {
      TRY(std::vector<Note> inner, this->notes());
      TRY_VOID(declaration(std::move(inner), result));
    }
    return result;
  }

  Result<std::vector<Note>> notes() {
    std::vector<Note> notes;
    std::set<std::string, std::less<>> seen;
    while (cursor_.is_symbol("@")) {
      const std::uint32_t begin = cursor_.take().range.begin;
      if (cursor_.peek().kind != TokenKind::kIdentifier) {
        return fail(cursor_.unexpected("an annotation key"));
      }
      Note note;
      note.key = cursor_.text(cursor_.take());
      note.has_value = cursor_.accept_symbol("(");
      if (note.has_value) {
        if (cursor_.peek().kind != TokenKind::kString) {
          return fail(cursor_.unexpected("a string literal"));
        }
        TRY(note.value, cursor_.string(cursor_.take()));
        TRY_VOID(cursor_.expect_symbol(")"));
      }
      if (!seen.insert(note.key).second) {
        return fail(cursor_.error(cursor_.since(begin),
                                  fmt::format("duplicate annotations: `{}`", note.key)));
      }
      notes.push_back(std::move(note));
    }
    return notes;
  }

  Result<std::monostate> declaration(std::vector<Note> notes, NamespaceDecl& into) {
    if (cursor_.is_word("entity")) return entity(std::move(notes), into);
    if (cursor_.is_word("action")) return action(std::move(notes), into);
    if (cursor_.is_word("type")) return common(std::move(notes), into);
    return fail(cursor_.unexpected("`action`, `entity`, `namespace`, `type` or an annotation"));
  }

  Result<std::string> identifier() {
    const Token& token = cursor_.peek();
    if (token.kind != TokenKind::kIdentifier) return fail(cursor_.unexpected("an identifier"));
    const std::string_view word = cursor_.text(token);
    if (is_reserved(word) && word != "__cedar") {
      return fail(cursor_.error(token.range, fmt::format("`{}` is a reserved identifier", word)));
    }
    cursor_.take();
    return std::string(word);
  }

  // An identifier that is declared: `__cedar` is not free.
  Result<NameRef> declared() {
    const std::uint32_t begin = cursor_.peek().range.begin;
    TRY(std::string name, identifier());
    if (name == "__cedar") {
      return fail(cursor_.error(cursor_.since(begin), "use of the reserved `__cedar` namespace"));
    }
    return NameRef{std::move(name), cursor_.since(begin)};
  }

  Result<NameRef> path() {
    const std::uint32_t begin = cursor_.peek().range.begin;
    TRY(std::string name, identifier());
    while (cursor_.is_symbol("::") && cursor_.peek(1).kind == TokenKind::kIdentifier) {
      cursor_.take();
      TRY(const std::string part, identifier());
      name += "::" + part;
    }
    return NameRef{std::move(name), cursor_.since(begin)};
  }

  // `IDENT` or a string.
  Result<std::string> name() {
    if (cursor_.peek().kind == TokenKind::kString) return cursor_.string(cursor_.take());
    return identifier();
  }

  Result<std::vector<NameRef>> types() {
    std::vector<NameRef> types;
    if (!cursor_.accept_symbol("[")) {
      TRY(NameRef only, path());
      types.push_back(std::move(only));
      return types;
    }
    while (!cursor_.accept_symbol("]")) {
      TRY(NameRef next, path());
      types.push_back(std::move(next));
      if (cursor_.is_symbol("]")) continue;
      TRY_VOID(cursor_.expect_symbol(","));
      if (cursor_.is_symbol("]")) return fail(cursor_.unexpected("a type name"));
    }
    return types;
  }

  Result<std::monostate> entity(std::vector<Note> notes, NamespaceDecl& into) {
    const std::uint32_t begin = cursor_.take().range.begin;
    std::vector<NameRef> names;
    do {
      TRY(NameRef name, declared());
      names.push_back(std::move(name));
    } while (cursor_.accept_symbol(","));
    EntityDecl entity;
    entity.notes = std::move(notes);
    if (cursor_.accept_word("enum")) {
      TRY_VOID(ids(entity));
    } else {
      if (cursor_.accept_word("in")) {
        TRY(entity.parents, types());
      }
      if (cursor_.is_symbol("=") || cursor_.is_symbol("{")) {
        cursor_.accept_symbol("=");
        if (!cursor_.is_symbol("{")) return fail(cursor_.unexpected("`{`"));
        TRY(entity.shape, type());
      }
      if (cursor_.accept_word("tags")) {
        TRY(entity.tags, type());
      }
    }
    if (!cursor_.is_symbol(";")) {
      return fail(cursor_.unexpected("`;` to end the entity declaration"));
    }
    cursor_.take();
    entity.range = cursor_.since(begin);
    TRY_VOID(count_copies(names.size(), entity.range));
    for (NameRef& name : names) {
      TRY_VOID(fresh("entity", into, name));
      entity.name = name.name;
      into.entities.push_back(entity);
    }
    return std::monostate();
  }

  Result<std::monostate> ids(EntityDecl& entity) {
    TRY_VOID(cursor_.expect_symbol("["));
    do {
      if (cursor_.peek().kind != TokenKind::kString) {
        return fail(cursor_.unexpected("a string literal"));
      }
      TRY(std::string id, cursor_.string(cursor_.take()));
      entity.ids.push_back(std::move(id));
    } while (cursor_.accept_symbol(","));
    return cursor_.expect_symbol("]");
  }

  Result<std::monostate> fresh(std::string_view kind, const NamespaceDecl& space,
                               const NameRef& name) {
    if (known_.insert(fmt::format("{} {}::{}", kind, space.name, name.name)).second) {
      return std::monostate();
    }
    return fail(cursor_.error(name.range, fmt::format("`{}` is declared twice", name.name)));
  }

  Result<std::monostate> common(std::vector<Note> notes, NamespaceDecl& into) {
    const std::uint32_t begin = cursor_.take().range.begin;
    TRY(const NameRef name, declared());
    if (is_reserved_type(name.name)) {
      return fail(cursor_.error(
          name.range, fmt::format("this uses a reserved schema keyword: `{}`", name.name)));
    }
    TRY_VOID(fresh("type", into, name));
    TRY_VOID(cursor_.expect_symbol("="));
    CommonDecl common;
    common.name = name.name;
    common.notes = std::move(notes);
    TRY(common.type, type());
    TRY_VOID(cursor_.expect_symbol(";"));
    common.range = cursor_.since(begin);
    into.commons.push_back(std::move(common));
    return std::monostate();
  }

  Result<TypeExpr> type() {
    const std::uint32_t begin = cursor_.peek().range.begin;
    if (depth_ >= kDepthMax) {
      return fail(Code::kExhausted, "{}",
                  cursor_.error(cursor_.peek().range, "types nest too deep").message);
    }
    ++depth_;
    TypeExpr type;
    if (cursor_.is_word("Set") && cursor_.is_symbol("<", 1)) {
      cursor_.take();
      cursor_.take();
      type.form = TypeForm::kSet;
      TRY(TypeExpr element, this->type());
      type.element.push_back(std::move(element));
      TRY_VOID(cursor_.expect_symbol(">"));
    } else if (cursor_.accept_symbol("{")) {
      TRY_VOID(attributes(type));
    } else {
      TRY(NameRef name, path());
      type.form = TypeForm::kName;
      type.name = std::move(name.name);
    }
    type.range = cursor_.since(begin);
    --depth_;
    return type;
  }

  Result<std::monostate> attributes(TypeExpr& record) {
    std::unordered_map<std::string, std::size_t> places;
    std::set<std::size_t> replaced;
    while (!cursor_.accept_symbol("}")) {
      AttributeDecl attribute;
      TRY(attribute.notes, notes());
      TRY(attribute.name, name());
      attribute.is_required = !cursor_.accept_symbol("?");
      TRY_VOID(cursor_.expect_symbol(":"));
      TRY(attribute.type, type());
      // A name declared again replaces the earlier one, as in Cedar.
      const auto [place, is_new] = places.emplace(attribute.name, record.attributes.size());
      if (!is_new) replaced.insert(std::exchange(place->second, record.attributes.size()));
      record.attributes.push_back(std::move(attribute));
      if (!cursor_.accept_symbol(",") && !cursor_.is_symbol("}")) {
        return fail(cursor_.unexpected("`,` or `}`"));
      }
    }
    std::size_t at = 0;
    std::erase_if(record.attributes, [&](const AttributeDecl&) { return replaced.contains(at++); });
    return std::monostate();
  }

  Result<std::monostate> action(std::vector<Note> notes, NamespaceDecl& into) {
    const std::uint32_t begin = cursor_.take().range.begin;
    std::vector<NameRef> names;
    do {
      const std::uint32_t at = cursor_.peek().range.begin;
      TRY(std::string name, this->name());
      names.push_back({std::move(name), cursor_.since(at)});
    } while (cursor_.accept_symbol(","));
    ActionDecl action;
    action.notes = std::move(notes);
    if (cursor_.accept_word("in")) {
      TRY(action.parents, action_refs());
    }
    if (cursor_.accept_word("appliesTo")) {
      TRY(action.applies_to, applies_to(names.front()));
    }
    if (cursor_.accept_word("attributes")) {
      TRY_VOID(cursor_.expect_symbol("{"));
      TRY_VOID(cursor_.expect_symbol("}"));
    }
    if (!cursor_.is_symbol(";")) {
      return fail(cursor_.unexpected("`;` to end the action declaration"));
    }
    cursor_.take();
    action.range = cursor_.since(begin);
    TRY_VOID(count_copies(names.size(), action.range));
    for (const NameRef& name : names) {
      TRY_VOID(fresh("action", into, name));
      action.name = name.name;
      into.actions.push_back(action);
    }
    return std::monostate();
  }

  Result<ActionRef> action_ref() {
    const std::uint32_t begin = cursor_.peek().range.begin;
    ActionRef ref;
    if (cursor_.peek().kind == TokenKind::kString) {
      TRY(ref.id, cursor_.string(cursor_.take()));
    } else {
      TRY(NameRef name, path());
      if (cursor_.accept_symbol("::")) {
        ref.type = std::move(name.name);
        if (cursor_.peek().kind != TokenKind::kString) {
          return fail(cursor_.unexpected("a string literal"));
        }
        TRY(ref.id, cursor_.string(cursor_.take()));
      } else if (name.name.find("::") != std::string::npos) {
        return fail(cursor_.unexpected("`::` and the action's id in quotes"));
      } else {
        ref.id = std::move(name.name);
      }
    }
    ref.range = cursor_.since(begin);
    return ref;
  }

  Result<std::vector<ActionRef>> action_refs() {
    std::vector<ActionRef> refs;
    const bool is_list = cursor_.accept_symbol("[");
    do {
      TRY(ActionRef ref, action_ref());
      refs.push_back(std::move(ref));
    } while (is_list && cursor_.accept_symbol(","));
    if (is_list) TRY_VOID(cursor_.expect_symbol("]"));
    return refs;
  }

  Result<AppliesTo> applies_to(const NameRef& action) {
    TRY_VOID(cursor_.expect_symbol("{"));
    AppliesTo result;
    std::set<std::string, std::less<>> seen;
    do {
      const Token token = cursor_.peek();
      const std::string word(cursor_.text(token));
      if (token.kind != TokenKind::kIdentifier ||
          (word != "principal" && word != "resource" && word != "context")) {
        return fail(cursor_.unexpected("`principal`, `resource` or `context`"));
      }
      cursor_.take();
      if (!seen.insert(word).second) {
        return fail(cursor_.error(token.range, fmt::format("duplicate `{}` declaration in action "
                                                           "`{}`",
                                                           word, action.name)));
      }
      TRY_VOID(cursor_.expect_symbol(":"));
      if (word == "context") {
        if (cursor_.is_word("Set") && cursor_.is_symbol("<", 1)) {
          return fail(cursor_.unexpected("a record type or the name of one"));
        }
        TRY(result.context, type());
        continue;
      }
      TRY(std::vector<NameRef> types, this->types());
      if (types.empty()) {
        return fail(cursor_.error(cursor_.since(token.range.begin),
                                  fmt::format("for action `{}`, `{}` is `[]`, which is invalid: "
                                              "leave out `appliesTo`",
                                              action.name, word)));
      }
      (word == "principal" ? result.principals : result.resources) = std::move(types);
    } while (cursor_.accept_symbol(",") && !cursor_.is_symbol("}"));
    TRY_VOID(cursor_.expect_symbol("}"));
    for (const char* needed : {"principal", "resource"}) {
      if (!seen.contains(needed)) {
        return fail(cursor_.error(
            action.range, fmt::format("missing `{}` declaration for `{}`", needed, action.name)));
      }
    }
    return result;
  }

  // Each name of a declaration gets all of it.
  Result<std::monostate> count_copies(std::size_t names, Range range) {
    copied_ += (names - 1) * std::size_t{range.end - range.begin};
    if (copied_ <= kCopiedBytesMax) return std::monostate();
    Error error = cursor_.error(
        range, fmt::format("declarations of several names come to more than {} bytes when each is "
                           "written out",
                           kCopiedBytesMax));
    return fail(Error{Code::kExhausted, std::move(error.message)});
  }

  Cursor& cursor_;
  unsigned depth_ = 0;
  std::size_t copied_ = 0;
  std::unordered_set<std::string> known_;  // "entity N::A", …
  std::unordered_set<std::string> known_namespaces_;
};

}  // namespace

bool is_reserved_type(std::string_view name) {
  static constexpr std::array<std::string_view, 8> kReserved = {
      "Bool", "Boolean", "Entity", "Extension", "Long", "Record", "Set", "String"};
  return std::find(kReserved.begin(), kReserved.end(), name) != kReserved.end();
}

Result<SchemaFragment> parse_schema_text(std::string_view text) {
  TRY_VOID(check_text(text));
  TRY(const std::vector<Token> tokens, lex(text, Grammar::kSchema));
  SchemaFragment fragment;
  fragment.source = text;
  Cursor cursor(text, tokens);
  TRY(fragment.namespaces, SchemaParser(cursor).run());
  return fragment;
}

}  // namespace keyturn::cedar
