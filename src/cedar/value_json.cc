#include "cedar/value_json.h"

#include <algorithm>
#include <array>
#include <unordered_set>

#include "cedar/escape.h"
#include "cedar/extension.h"
#include "cedar/source.h"

namespace keyturn::cedar {
namespace {

// The escape's content if `json` is an object with that one key alone.
const Json* sole_member(const Json& json, std::string_view key) {
  const Json::Object* object = json.if_object();
  if (object == nullptr || object->size() != 1 || object->front().first != key) return nullptr;
  return &object->front().second;
}

bool is_uid_object(const Json& json) {
  const Json* type = json.find("type");
  const Json* id = json.find("id");
  return type != nullptr && type->is_string() && id != nullptr && id->is_string();
}

bool is_call_object(const Json& json) {
  const Json* name = json.find("fn");
  const Json* arguments = json.find("args");
  return name != nullptr && name->is_string() &&
         (json.find("arg") != nullptr || (arguments != nullptr && arguments->is_array()));
}

}  // namespace

Result<const Uid*> ValueReader::read_uid(const Json& json, const Where& where) {
  const Json* escaped = json.find("__entity");
  const Json& inner = escaped != nullptr && is_uid_object(*escaped) ? *escaped : json;
  if (!is_uid_object(inner)) {
    fault_.note(json);
    return fail(Code::kInvalid, "in {}, expected a literal entity reference, but got `{}`",
                where.text(), shown(keyturn::to_text(json)));
  }
  const std::string& type = *inner.find("type")->if_string();
  if (!is_name(type)) {
    fault_.note(json);
    return fail(Code::kInvalid, "in {}, `{}` is not a valid entity type name", where.text(), type);
  }
  return pool_.uid(type, *inner.find("id")->if_string());
}

std::string Where::text() const {
  if (owner == nullptr) return std::string(thing);
  if (name.empty()) return fmt::format("{} `{}`", thing, to_text(*owner));
  return fmt::format("{} `{}` on `{}`", thing, name, to_text(*owner));
}

Result<Value> ValueReader::read(const Json& json, const SchemaType* expected, const Where& where) {
  if (expected == nullptr) return read_plain(json, where);
  Result<Value> value = read_expected(json, *expected, where);
  if (!value) fault_.note(json);
  return value;
}

Result<Value> ValueReader::read_expected(const Json& json, const SchemaType& expected,
                                         const Where& where) {
  switch (expected.kind) {
    case Kind::kEntity: {
      TRY(const Uid* uid, read_uid(json, where));
      return Value::of(uid);
    }
    case Kind::kSet:
      if (!json.is_array()) {
        return fail(Code::kInvalid, "{}: expected {}, but got `{}`", where.text(),
                    shown(to_text(expected)), shown(keyturn::to_text(json)));
      }
      return read_array(json, expected.element, where);
    case Kind::kRecord:
      if (!json.is_object()) {
        return fail(Code::kInvalid, "{}: expected {}, but got `{}`", where.text(),
                    shown(to_text(expected)), shown(keyturn::to_text(json)));
      }
      return read_record(json, expected, where);
    case Kind::kDecimal:
    case Kind::kIp:
    case Kind::kDatetime:
    case Kind::kDuration:
      return read_extension(json, expected.kind, where);
    default:
      return read_unexpected(json, where);
  }
}

Result<Value> ValueReader::read_plain(const Json& json, const Where& where) {
  Result<Value> value = read_unexpected(json, where);
  if (!value) fault_.note(json);
  return value;
}

Result<Value> ValueReader::read_unexpected(const Json& json, const Where& where) {
  if (const bool* boolean = json.if_bool()) return Value::of(*boolean);
  if (const std::int64_t* number = json.if_integer()) return Value::of(Kind::kLong, *number);
  if (const std::string* text = json.if_string()) return Value::of(pool_.text(*text));
  if (json.is_array()) return read_array(json, nullptr, where);
  if (json.is_object()) return read_object(json, where);
  if (json.is_null()) {
    return fail(Code::kInvalid,
                "in {}, found a `null`; JSON `null`s are not allowed in Cedar: leave the key out",
                where.text());
  }
  if (const Json::Number* number = json.if_number(); number != nullptr && number->text == "-0") {
    return fail(Code::kInvalid, "in {}, `-0` is not an integer", where.text());
  }
  return fail(Code::kInvalid, "in {}, `{}` is not a 64-bit integer; use a string or a decimal",
              where.text(), shown(keyturn::to_text(json)));
}

Result<Value> ValueReader::read_array(const Json& json, const SchemaType* element,
                                      const Where& where) {
  const Json::Array& items = *json.if_array();
  const std::span<Value> values = pool_.arena().array<Value>(items.size());
  for (std::size_t i = 0; i < items.size(); ++i) {
    TRY(values[i], read(items[i], element, where));
  }
  return Value::of(make_set(pool_.arena(), values));
}

Result<Value> ValueReader::read_object(const Json& json, const Where& where) {
  if (const Json* expression = sole_member(json, "__expr");
      expression != nullptr && expression->is_string()) {
    return fail(Code::kInvalid, "in {}, the `__expr` escape is no longer supported", where.text());
  }
  if (const Json* uid = sole_member(json, "__entity"); uid != nullptr && is_uid_object(*uid)) {
    TRY(const Uid* read, read_uid(*uid, where));
    return Value::of(read);
  }
  if (const Json* call = sole_member(json, "__extn"); call != nullptr && is_call_object(*call)) {
    return read_call(*call, Arguments::kPlain, where);
  }
  const Json::Object& members = *json.if_object();
  const std::span<Field> fields = pool_.arena().array<Field>(members.size());
  for (std::size_t i = 0; i < members.size(); ++i) {
    fields[i].key = pool_.text(members[i].first);
    TRY(fields[i].value, read_plain(members[i].second, where));
  }
  return Value::of(make_record(pool_.arena(), fields));
}

Result<Value> ValueReader::read_record(const Json& json, const SchemaType& expected,
                                       const Where& where) {
  const Json::Object& members = *json.if_object();
  // As large as a text may be, so that looking through all for each would take hours.
  std::unordered_set<std::string_view> given;
  for (const Json::Member& member : members) given.insert(member.first);
  for (const auto& [name, attribute] : expected.attributes) {
    if (attribute.is_required && !given.contains(name)) {
      return fail(
          Code::kInvalid,
          "while parsing {}, expected the record to have an attribute `{}`, but it does not",
          where.text(), name);
    }
  }
  const std::span<Field> fields = pool_.arena().array<Field>(members.size());
  for (std::size_t i = 0; i < members.size(); ++i) {
    const auto at = expected.attributes.find(members[i].first);
    if (at == expected.attributes.end()) {
      fault_.note(members[i].second);
      return fail(
          Code::kInvalid,
          "while parsing {}, record attribute `{}` should not exist according to the schema",
          where.text(), members[i].first);
    }
    fields[i].key = pool_.text(members[i].first);
    TRY(fields[i].value, read(members[i].second, at->second.type, where));
  }
  return Value::of(make_record(pool_.arena(), fields));
}

Result<Value> ValueReader::read_extension(const Json& json, Kind kind, const Where& where) {
  if (const Json* expression = json.find("__expr");
      expression != nullptr && expression->is_string()) {
    return fail(Code::kInvalid, "in {}, the `__expr` escape is no longer supported", where.text());
  }
  const Json* escaped = json.find("__extn");
  if (escaped != nullptr && is_call_object(*escaped)) {
    return read_call(*escaped, Arguments::kTyped, where);
  }
  if (is_call_object(json)) return read_call(json, Arguments::kTyped, where);
  const Signature* constructor = find_constructor(kind);
  const std::string* text = json.if_string();
  if (text == nullptr) {
    return fail(Code::kInvalid, "in {}, expected a value of type {}, but got `{}`", where.text(),
                kind_name(kind), shown(keyturn::to_text(json)));
  }
  const ExtensionResult<Value> value = construct(pool_.arena(), constructor->function, *text);
  if (!value) {
    return fail(Code::kInvalid, "in {}, error while evaluating `{}` extension function: {}",
                where.text(), constructor->name, value.error().message);
  }
  return *value;
}

Result<Value> ValueReader::read_call(const Json& json, Arguments form, const Where& where) {
  const std::string& name = *json.find("fn")->if_string();
  const Signature* signature = find_signature(name);
  if (signature == nullptr) {
    return fail(Code::kInvalid, "in {}, extension function `{}` does not exist", where.text(),
                name);
  }
  const Json* single = json.find("arg");
  const std::size_t count = single != nullptr ? 1 : json.find("args")->if_array()->size();
  if (count != signature->arity) {
    return fail(Code::kInvalid, "in {}, expected {} arguments of `{}` but got {}", where.text(),
                signature->arity, name, count);
  }
  std::array<Value, 2> values;
  for (std::size_t i = 0; i < count; ++i) {
    const Json& argument = single != nullptr ? *single : (*json.find("args")->if_array())[i];
    SchemaType type;
    type.kind = i == 0 ? signature->argument : signature->second_argument;
    TRY(values[i], read(argument, form == Arguments::kTyped ? &type : nullptr, where));
    if (values[i].kind != type.kind) {
      return fail(Code::kInvalid, "in {}, `{}` expected {}, got {}", where.text(), name,
                  kind_name(type.kind), kind_name(values[i].kind));
    }
  }
  const ExtensionResult<Value> result =
      signature->style == CallStyle::kFunction
          ? construct(pool_.arena(), signature->function, values[0].text->view())
          : call_method(signature->function, std::span(values).first(count));
  if (!result) {
    return fail(Code::kInvalid, "in {}, error while evaluating `{}` extension function: {}",
                where.text(), name, result.error().message);
  }
  return *result;
}

const Json* find_misfit(const Json& json, const SchemaType& type, const SchemaContent& schema) {
  const auto fits = [&](bool is_fit) { return is_fit ? nullptr : &json; };
  switch (type.kind) {
    case Kind::kBool:
      return fits(json.is_bool());
    case Kind::kLong:
      return fits(json.is_integer());
    case Kind::kString:
      return fits(json.is_string());
    case Kind::kEntity: {
      Pool pool;
      JsonFault unused;
      const Result<const Uid*> uid = ValueReader(pool, unused).read_uid(json, {});
      return fits(uid && (*uid)->type->view() == type.entity && !wrong_uid(schema, **uid));
    }
    case Kind::kSet:
      if (!json.is_array()) return &json;
      for (const Json& item : *json.if_array()) {
        if (const Json* found = find_misfit(item, *type.element, schema)) return found;
      }
      return nullptr;
    case Kind::kRecord:
      if (!json.is_object()) return &json;
      for (const auto& [name, value] : *json.if_object()) {
        const auto at = type.attributes.find(name);
        if (at == type.attributes.end()) return &value;
        if (const Json* found = find_misfit(value, *at->second.type, schema)) return found;
      }
      return nullptr;
    default:
      return nullptr;  // an extension's value is of its type once it is read
  }
}

Json object_of(std::string_view first_key, Json first, std::string_view second_key, Json second) {
  Json::Object members;
  members.reserve(2);
  members.emplace_back(first_key, std::move(first));
  members.emplace_back(second_key, std::move(second));
  return Json(std::move(members));
}

Json to_json(const Uid& uid) {
  return Json::object({{"type", Json(uid.type->view())}, {"id", Json(uid.id->view())}});
}

namespace {

Json extension_call(std::string_view name, Json argument) {
  return Json::object(
      {{"__extn", Json::object({{"fn", Json(name)}, {"arg", std::move(argument)}})}});
}

Result<Json> record_to_json(const RecordValue& record) {
  Json::Object members;
  for (const Field& field : record.fields) {
    const std::string_view key = field.key->view();
    if (key == "__entity" || key == "__extn" || key == "__expr") {
      return fail(Code::kInvalid, "the record key `{}` cannot be written as JSON: it is an escape",
                  key);
    }
    TRY(Json value, to_json(field.value));
    members.emplace_back(std::string(key), std::move(value));
  }
  std::sort(members.begin(), members.end(),
            [](const Json::Member& a, const Json::Member& b) { return a.first < b.first; });
  return Json(std::move(members));
}

}  // namespace

Result<Json> to_json(const Value& value) {
  switch (value.kind) {
    case Kind::kBool:
      return Json(value.boolean);
    case Kind::kLong:
      return Json(value.number);
    case Kind::kString:
      return Json(value.text->view());
    case Kind::kEntity:
      return Json::object({{"__entity", to_json(*value.uid)}});
    case Kind::kRecord:
      return record_to_json(*value.record);
    case Kind::kDecimal:
      return extension_call("decimal", Json(decimal_text(value.number)));
    case Kind::kDuration:
      return extension_call("duration", fmt::format("{}ms", value.number));
    case Kind::kIp:
      return extension_call("ip", Json(ip_text(*value.ip)));
    case Kind::kDatetime: {
      Json::Array arguments;
      arguments.push_back(extension_call("datetime", "1970-01-01"));
      arguments.push_back(extension_call("duration", fmt::format("{}ms", value.number)));
      return Json::object({{"__extn", Json::object({{"fn", "offset"}, {"args", arguments}})}});
    }
    case Kind::kSet:
      break;
  }
  Json::Array items;
  for (const Value& item : value.set->items) {
    TRY(Json json, to_json(item));
    items.push_back(std::move(json));
  }
  std::sort(items.begin(), items.end(),
            [](const Json& a, const Json& b) { return keyturn::to_text(a) < keyturn::to_text(b); });
  return Json(std::move(items));
}

}  // namespace keyturn::cedar
