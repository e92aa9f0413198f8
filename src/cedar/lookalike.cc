#include "cedar/lookalike.h"

#include <algorithm>

#include "cedar/escape.h"
#include "cedar/scripts.h"

namespace keyturn::cedar {
namespace {

bool turns_direction(char32_t character) {
  return (character >= 0x202a && character <= 0x202e) ||
         (character >= 0x2066 && character <= 0x2069);
}

class Finder {
 public:
  explicit Finder(const Warn& warn) : warn_(warn) {}

  void string(Range range, std::string_view text) const {
    const std::u32string characters = characters_of(text);
    if (std::any_of(characters.begin(), characters.end(), turns_direction)) {
      warn_(range, fmt::format("string `\"{}\"` contains BIDI control characters", text));
    } else if (!is_single_script(characters)) {
      warn_(range, fmt::format("string `\"{}\"` contains mixed scripts", text));
    }
  }

  void identifier(Range range, std::string_view text) const {
    const std::u32string characters = characters_of(text);
    if (std::any_of(characters.begin(), characters.end(), turns_direction)) {
      warn_(range, fmt::format("identifier `{}` contains BIDI control characters", text));
      return;
    }
    for (const char32_t character : characters) {
      const bool is_plain = character >= 0x20 && character < 0x7f;
      if (is_plain || is_identifier_character(character)) continue;
      std::string shown;
      append_utf8(shown, character);
      warn_(range, fmt::format("identifier `{}` contains the character `{}` which is not a "
                               "printable ASCII character and falls outside of the General "
                               "Security Profile for Identifiers",
                               escape_text(text), escape_text(shown)));
      return;
    }
    if (!is_single_script(characters)) {
      warn_(range, fmt::format("identifier `{}` contains mixed scripts", text));
    }
  }

  void node(const Nodes& nodes, const Node& node) const {
    switch (node.op) {
      case Op::kLiteral:
        literal(node);
        break;
      case Op::kGet:
        identifier(node.range, node.name->view());
        break;
      case Op::kHas:
      case Op::kRecord:
        for (const Text* name : nodes.names_of(node)) identifier(node.range, name->view());
        break;
      case Op::kLike:
        string(node.range, escape_pattern(node.pattern->codes));
        break;
      default:
        break;
    }
  }

  void scope(const Scope& scope) const {
    if (scope.uid != nullptr) identifier(scope.range, scope.uid->id->view());
    for (const Uid* uid : scope.uids) identifier(scope.range, uid->id->view());
  }

 private:
  void literal(const Node& node) const {
    if (node.value.kind == Kind::kString) string(node.range, node.value.text->view());
    if (node.value.kind == Kind::kEntity) identifier(node.range, node.value.uid->id->view());
  }

  const Warn& warn_;
};

}  // namespace

void find_lookalikes(const Body& body, const Warn& warn) {
  const Finder finder(warn);
  finder.scope(body.principal);
  finder.scope(body.action);
  finder.scope(body.resource);
  for (const Node& node : body.nodes.nodes) finder.node(body.nodes, node);
}

}  // namespace keyturn::cedar
