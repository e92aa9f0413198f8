// A schema as Cedar schema text.
#include <fmt/format.h>

#include "cedar/escape.h"
#include "cedar/schema_fragment.h"

namespace keyturn::cedar {
namespace {

class SchemaPrinter {
 public:
  std::string run(const SchemaFragment& fragment) {
    for (const NamespaceDecl& space : fragment.namespaces) {
      if (!out_.empty()) out_ += '\n';
      if (space.name.empty()) {
        declarations(space);
        continue;
      }
      notes(space.notes, 0);
      out_ += fmt::format("namespace {} {{\n", space.name);
      indent_ = 1;
      declarations(space);
      indent_ = 0;
      out_ += "}\n";
    }
    return std::move(out_);
  }

 private:
  std::string margin(unsigned extra) const {
    return std::string(2 * static_cast<std::size_t>(indent_ + extra), ' ');
  }

  static std::string name(std::string_view name) {
    return is_identifier(name) && (!is_reserved(name) || name == "__cedar") ? std::string(name)
                                                                            : quote(name);
  }

  void notes(const std::vector<Note>& notes, unsigned extra) {
    for (const Note& note : notes) {
      out_ += fmt::format("{}@{}{}\n", margin(extra), note.key,
                          note.has_value ? fmt::format("({})", quote(note.value)) : "");
    }
  }

  std::string type(const TypeExpr& type, unsigned extra) {
    switch (type.form) {
      case TypeForm::kPrimitive:
        return fmt::format("__cedar::{}", type.name == "Boolean" ? "Bool" : type.name);
      case TypeForm::kExtension:
        return fmt::format("__cedar::{}", type.name);
      case TypeForm::kSet:
        return fmt::format("Set<{}>", this->type(type.element.front(), extra));
      case TypeForm::kRecord:
        return record(type, extra);
      default:
        return type.name;
    }
  }

  std::string record(const TypeExpr& type, unsigned extra) {
    if (type.attributes.empty()) return "{}";
    std::string text = "{\n";
    for (const AttributeDecl& attribute : type.attributes) {
      std::string saved = std::exchange(out_, {});
      notes(attribute.notes, extra + 1);
      text += std::exchange(out_, std::move(saved));
      text += fmt::format("{}{}{}: {},\n", margin(extra + 1), name(attribute.name),
                          attribute.is_required ? "" : "?", this->type(attribute.type, extra + 1));
    }
    return text + margin(extra) + "}";
  }

  static std::string names(const std::vector<NameRef>& names) {
    std::string text;
    for (const NameRef& ref : names) text += (text.empty() ? "" : ", ") + ref.name;
    return "[" + text + "]";
  }

  void declarations(const NamespaceDecl& space) {
    for (const CommonDecl& common : space.commons) {
      notes(common.notes, 0);
      out_ += fmt::format("{}type {} = {};\n", margin(0), common.name, type(common.type, 0));
    }
    for (const EntityDecl& entity : space.entities) this->entity(entity);
    for (const ActionDecl& action : space.actions) this->action(action);
  }

  void entity(const EntityDecl& entity) {
    notes(entity.notes, 0);
    out_ += fmt::format("{}entity {}", margin(0), entity.name);
    if (!entity.ids.empty()) {
      std::string ids;
      for (const std::string& id : entity.ids) ids += (ids.empty() ? "" : ", ") + quote(id);
      out_ += fmt::format(" enum [{}];\n", ids);
      return;
    }
    if (!entity.parents.empty()) out_ += " in " + names(entity.parents);
    if (!entity.shape.attributes.empty()) out_ += " = " + type(entity.shape, 0);
    if (entity.tags) out_ += " tags " + type(*entity.tags, 0);
    out_ += ";\n";
  }

  void action(const ActionDecl& action) {
    notes(action.notes, 0);
    out_ += fmt::format("{}action {}", margin(0), name(action.name));
    if (action.parents && !action.parents->empty()) {
      std::string parents;
      for (const ActionRef& ref : *action.parents) {
        parents += parents.empty() ? "" : ", ";
        parents += ref.type ? fmt::format("{}::{}", *ref.type, quote(ref.id)) : quote(ref.id);
      }
      out_ += fmt::format(" in [{}]", parents);
    }
    // An action that applies to nothing is written without `appliesTo`: an empty list is no schema
    // text.
    if (action.applies_to && !action.applies_to->principals.empty() &&
        !action.applies_to->resources.empty()) {
      const AppliesTo& applies = *action.applies_to;
      out_ += fmt::format(
          " appliesTo {{\n{0}principal: {1},\n{0}resource: {2},\n{0}context: {3},\n{4}}}",
          margin(1), names(applies.principals), names(applies.resources), type(applies.context, 1),
          margin(0));
    }
    out_ += ";\n";
  }

  unsigned indent_ = 0;
  std::string out_;
};

// Whether the shape is given by name, which schema text cannot say.
const EntityDecl* find_named_shape(const SchemaFragment& fragment) {
  for (const NamespaceDecl& space : fragment.namespaces) {
    for (const EntityDecl& entity : space.entities) {
      if (entity.shape.form != TypeForm::kRecord) return &entity;
    }
  }
  return nullptr;
}

}  // namespace

Result<std::string> Schema::text() const {
  if (const EntityDecl* entity = find_named_shape(*content_->fragment)) {
    return fail(Code::kInvalid,
                "the shape of entity type `{}` is a common type, which the Cedar schema syntax "
                "cannot express",
                entity->name);
  }
  return SchemaPrinter().run(*content_->fragment);
}

}  // namespace keyturn::cedar
