#include "base/json.h"

#include <charconv>
#include <cmath>
#include <limits>

namespace keyturn {

Json::Json(std::uint64_t value) {
  if (value <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
    value_ = static_cast<std::int64_t>(value);
  } else {
    value_ = Number{std::to_string(value)};
  }
}

Json::Json(double value) {
  CHECK(std::isfinite(value));
  char buffer[32];
  const auto [end, error] = std::to_chars(buffer, buffer + sizeof buffer, value);
  CHECK(error == std::errc());
  value_ = Number{std::string(buffer, end)};
}

const Json* Json::find(std::string_view key) const {
  if (const Object* members = if_object()) {
    for (const Member& member : *members) {
      if (member.first == key) return &member.second;
    }
  }
  return nullptr;
}

void Json::set(std::string_view key, Json value) {
  if (is_null()) value_ = Object();
  Object* members = if_object();
  CHECK(members != nullptr);
  for (Member& member : *members) {
    if (member.first == key) {
      member.second = std::move(value);
      return;
    }
  }
  members->emplace_back(std::string(key), std::move(value));
}

void Json::push_back(Json value) {
  if (is_null()) value_ = Array();
  Array* items = if_array();
  CHECK(items != nullptr);
  items->push_back(std::move(value));
}

Result<std::string> Json::get_string(std::string_view key) const {
  const Json* member = find(key);
  if (member == nullptr) return fail(Code::kInvalid, "the member `{}` is missing", key);
  if (const std::string* text = member->if_string()) return *text;
  return fail(Code::kInvalid, "the member `{}` must be a string", key);
}

Result<std::int64_t> Json::get_integer(std::string_view key) const {
  const Json* member = find(key);
  if (member == nullptr) return fail(Code::kInvalid, "the member `{}` is missing", key);
  if (const std::int64_t* value = member->if_integer()) return *value;
  return fail(Code::kInvalid, "the member `{}` must be an integer", key);
}

Result<bool> Json::get_bool(std::string_view key) const {
  const Json* member = find(key);
  if (member == nullptr) return fail(Code::kInvalid, "the member `{}` is missing", key);
  if (const bool* value = member->if_bool()) return *value;
  return fail(Code::kInvalid, "the member `{}` must be true or false", key);
}

std::string Json::string_or(std::string_view key, std::string_view otherwise) const {
  const Json* member = find(key);
  const std::string* text = member == nullptr ? nullptr : member->if_string();
  return text == nullptr ? std::string(otherwise) : *text;
}

}  // namespace keyturn
