// The validator's types, which know more than a schema can say: singleton booleans, unions of
// entity types, open records. Immutable, owned by a TypeTable.
#pragma once

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cedar/schema_content.h"

namespace keyturn::cedar {

enum class Tag : std::uint8_t {
  kNever,  // below every type: the elements of an empty set
  kTrue,
  kFalse,
  kBool,
  kLong,
  kString,
  kSet,
  kRecord,
  kEntity,     // one of `entities`
  kAnyEntity,  // above every entity type
  kExtension,
};

struct CheckedType;
using TypeRef = const CheckedType*;

struct CheckedAttribute {
  TypeRef type = nullptr;
  bool is_required = true;
};
using CheckedAttributes = std::map<std::string, CheckedAttribute, std::less<>>;
using EntityNames = std::set<std::string, std::less<>>;

struct CheckedType {
  Tag tag = Tag::kNever;
  Kind extension = Kind::kDecimal;
  TypeRef element = nullptr;  // of a set; null is above every element type
  bool is_open = false;       // a record that may have more attributes
  CheckedAttributes attributes;
  EntityNames entities;
  std::size_t weight = 1;  // types and names within it, counted at each use
};

enum class ValidationMode;

std::string to_text(const CheckedType& type);
bool is_bool(const CheckedType& type);
bool same_type(TypeRef a, TypeRef b);
bool is_subtype(TypeRef a, TypeRef b, ValidationMode mode);
// Comparable by `<`: Long, datetime, duration.
bool is_ordered(const CheckedType& type);
// No value can have both types.
bool are_disjoint(const CheckedType& a, const CheckedType& b);

// The most work of one validation, in nodes typed and parts of types looked at: a few seconds.
// Every policy may have to be typed for every kind of request of the schema, and that product can
// be larger than anybody will wait for.
inline constexpr std::size_t kValidationWorkMax = std::size_t{1} << 28U;

// Makes and keeps types, and counts the work. Belongs to one validation.
class TypeTable {
 public:
  explicit TypeTable(const SchemaContent& schema, std::size_t work_max = kValidationWorkMax);

  const SchemaContent& schema() const { return schema_; }
  // Once the work is spent, what is typed means nothing any more.
  void charge(std::size_t work) { work_left_ -= std::min(work_left_, work); }
  bool is_spent() const { return work_left_ == 0; }
  std::size_t work_left() const { return work_left_; }
  // Types that were made since for expressions are gone; those of the schema stay.
  void forget_made() { made_.clear(); }
  TypeRef plain(Tag tag) const { return &plain_.at(static_cast<std::size_t>(tag)); }
  TypeRef boolean(bool value) const { return plain(value ? Tag::kTrue : Tag::kFalse); }
  TypeRef extension(Kind kind);
  TypeRef of_kind(Kind kind);
  TypeRef set(TypeRef element);
  TypeRef record(CheckedAttributes attributes, bool is_open);
  TypeRef entity(std::string_view name);
  TypeRef declared(const SchemaType& type);
  TypeRef any_set() const { return &any_set_; }
  TypeRef any_record() const { return &any_record_; }
  TypeRef entity_set() const { return &entity_set_; }

  // Null when there is none.
  TypeRef least_upper_bound(TypeRef a, TypeRef b, ValidationMode mode);
  TypeRef least_upper_bound(const std::vector<TypeRef>& types, ValidationMode mode);

  // What `type` has under `name`; a null type when nothing certain is known.
  CheckedAttribute attribute(const CheckedType& type, std::string_view name);
  bool may_have(const CheckedType& type, std::string_view name) const;
  std::vector<TypeRef> tag_types(const CheckedType& type);
  // is_subtype(), counted.
  bool is_below(TypeRef a, TypeRef b, ValidationMode mode);
  // Whether an entity of the type `inner` may be in one of the type `outer`.
  bool is_type_below(const std::string& inner, const std::string& outer);

 private:
  TypeRef made(CheckedType type);
  TypeRef kept(CheckedType type);
  void weigh(CheckedType& type);
  TypeRef record_bound(const CheckedType& a, const CheckedType& b, ValidationMode mode);
  CheckedAttributes permissive_bound(const CheckedAttributes& a, const CheckedAttributes& b);

  const SchemaContent& schema_;
  std::size_t work_left_;
  std::vector<CheckedType> plain_ = make_plain();
  CheckedType any_set_;
  CheckedType any_record_;
  CheckedType entity_set_;
  std::deque<CheckedType> kept_;
  std::deque<CheckedType> made_;
  std::map<std::pair<std::string, std::string>, bool> below_;
  std::unordered_map<const SchemaType*, TypeRef> declared_;
  std::map<std::string, TypeRef, std::less<>> entities_;
  std::map<Kind, TypeRef> extensions_;

  static std::vector<CheckedType> make_plain();
};

}  // namespace keyturn::cedar
