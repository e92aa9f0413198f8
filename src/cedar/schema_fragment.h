// A schema as written, in either syntax, with names unresolved. Both readers make it, both printers
// take it, resolve_schema() turns it into what the validator uses.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "cedar/ast.h"
#include "cedar/schema_content.h"

namespace keyturn::cedar {

struct AttributeDecl;

enum class TypeForm : std::uint8_t {
  kName,       // an entity or common type, whichever is found
  kEntity,     // JSON only: surely an entity type
  kCommon,     // JSON only: surely a common type
  kExtension,  // JSON only
  kPrimitive,  // JSON only: Boolean, Long, String
  kSet,
  kRecord,
};

struct TypeExpr {
  TypeForm form = TypeForm::kRecord;
  std::string name;
  std::vector<TypeExpr> element;  // of a set: exactly one
  std::vector<AttributeDecl> attributes;
  Range range;
};

struct AttributeDecl {
  std::string name;
  TypeExpr type;
  bool is_required = true;
  std::vector<Note> notes;
};

struct NameRef {
  std::string name;
  Range range;
};

struct EntityDecl {
  std::string name;
  std::vector<Note> notes;
  std::vector<NameRef> parents;
  TypeExpr shape;
  std::optional<TypeExpr> tags;
  std::vector<std::string> ids;  // enumerated when not empty
  Range range;
};

struct ActionRef {
  std::optional<std::string> type;
  std::string id;
  Range range;
};

struct AppliesTo {
  std::vector<NameRef> principals;
  std::vector<NameRef> resources;
  TypeExpr context;
};

struct ActionDecl {
  std::string name;
  std::vector<Note> notes;
  std::optional<std::vector<ActionRef>> parents;
  std::optional<AppliesTo> applies_to;
  Range range;
};

struct CommonDecl {
  std::string name;
  std::vector<Note> notes;
  TypeExpr type;
  Range range;
};

struct NamespaceDecl {
  std::string name;  // empty for the empty namespace
  std::vector<Note> notes;
  std::vector<CommonDecl> commons;
  std::vector<EntityDecl> entities;
  std::vector<ActionDecl> actions;
  Range range;
};

struct SchemaFragment {
  std::string source;  // empty when it was read from JSON
  std::vector<NamespaceDecl> namespaces;
};

Result<SchemaFragment> parse_schema_text(std::string_view text);
// `where`, for a fragment without source, learns the range that an error is about.
Result<std::shared_ptr<const SchemaContent>> resolve_schema(SchemaFragment fragment,
                                                            Range* where = nullptr);

// Boolean Bool Entity Extension Long Record Set String: no names for common types.
bool is_reserved_type(std::string_view name);

}  // namespace keyturn::cedar
