#include "api/fields.h"

#include <charconv>

#include "api/api.h"
#include "base/bytes.h"

namespace keyturn::api {
namespace {

constexpr std::size_t kDepthMax = 8;  // no route takes nested values

std::string known_names(std::span<const Field> fields) {
  std::string names;
  for (const Field& field : fields) {
    if (!names.empty()) names += ", ";
    names += fmt::format("`{}`", field.name);
  }
  return names.empty() ? "none is known here" : "known are " + names;
}

const Field* find_field(std::span<const Field> fields, std::string_view name) {
  for (const Field& field : fields) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

bool is_choice(std::string_view choices, std::string_view text) {
  while (!choices.empty()) {
    const std::size_t bar = std::min(choices.find('|'), choices.size());
    if (choices.substr(0, bar) == text) return true;
    choices.remove_prefix(std::min(bar + 1, choices.size()));
  }
  return false;
}

Result<void> check(const Field& field, const Json& value) {
  if (field.type == Type::kInteger) {
    if (value.is_integer()) return {};
    return fail(Code::kInvalid, "`{}` must be an integer", field.name);
  }
  const std::string* text = value.if_string();
  if (text == nullptr) return fail(Code::kInvalid, "`{}` must be a string", field.name);
  if (text->find('\0') != std::string::npos) {
    return fail(Code::kInvalid, "`{}` must not contain a zero byte", field.name);
  }
  if (!field.choices.empty() && !is_choice(field.choices, *text)) {
    return fail(Code::kInvalid, "`{}` is `{}` but must be one of {}", field.name,
                printable(*text, 100), field.choices);
  }
  return {};
}

Result<Json> check_all(Json object, std::span<const Field> fields) {
  for (const auto& [name, value] : *object.if_object()) {
    const Field* field = find_field(fields, name);
    if (field == nullptr) {
      return fail(Code::kInvalid, "unknown member `{}`; {}", printable(name, 100),
                  known_names(fields));
    }
    TRY_VOID(check(*field, value));
  }
  for (const Field& field : fields) {
    if (field.presence == Presence::kRequired && object.find(field.name) == nullptr) {
      return fail(Code::kInvalid, "`{}` is missing: {}", field.name, field.description);
    }
  }
  return object;
}

}  // namespace

Result<Json> read_body(std::string_view text, std::span<const Field> fields) {
  auto body = parse_strict(text, {.bytes_max = kBodyBytesMax, .depth_max = kDepthMax});
  if (!body) {
    return fail(Code::kInvalid, "the body is not acceptable JSON: {}", body.error().message);
  }
  if (!body->is_object()) return fail(Code::kInvalid, "the body must be a JSON object");
  return check_all(std::move(*body), fields);
}

Result<Json> read_query(std::string_view text, std::span<const Field> fields) {
  Json query{Json::Object()};
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('&'), text.size());
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    TRY(const std::string name, percent_decode(pair.substr(0, equals)));
    TRY(std::string value, percent_decode(pair.substr(std::min(equals + 1, pair.size()))));
    const Field* field = find_field(fields, name);
    if (field == nullptr) {
      return fail(Code::kInvalid, "unknown query parameter `{}`; {}", printable(name, 100),
                  known_names(fields));
    }
    if (query.find(name) != nullptr) {
      return fail(Code::kInvalid, "the query parameter `{}` is given twice", field->name);
    }
    if (!is_valid_utf8(value)) {
      return fail(Code::kInvalid, "the query parameter `{}` is not UTF-8", field->name);
    }
    if (field->type == Type::kString) {
      query.set(name, std::move(value));
      continue;
    }
    std::int64_t number = 0;
    const auto [stop, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || stop != value.data() + value.size() || number < 0) {
      return fail(Code::kInvalid, "the query parameter `{}` must be a whole number", field->name);
    }
    query.set(name, number);
  }
  return check_all(std::move(query), fields);
}

Result<std::size_t> read_limit(const Json& query, std::size_t otherwise, std::size_t most) {
  const Json* given = query.find("limit");
  if (given == nullptr) return otherwise;
  const std::int64_t limit = *given->if_integer();
  if (limit < 1 || limit > static_cast<std::int64_t>(most)) {
    return fail(Code::kInvalid, "`limit` is {} but must be between 1 and {}", limit, most);
  }
  return static_cast<std::size_t>(limit);
}

}  // namespace keyturn::api
