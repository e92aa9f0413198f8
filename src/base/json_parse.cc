// Boost.JSON's push parser does the reading; the handler builds values and refuses what is
// ambiguous.
#include <algorithm>
#include <boost/json/basic_parser_impl.hpp>
#include <cmath>
#include <optional>

#include "base/json.h"

namespace keyturn {
namespace {

namespace bj = boost::json;

class Handler {
 public:
  static constexpr std::size_t max_object_size = std::size_t(-1);
  static constexpr std::size_t max_array_size = std::size_t(-1);
  static constexpr std::size_t max_key_size = std::size_t(-1);
  static constexpr std::size_t max_string_size = std::size_t(-1);

  const std::optional<std::string>& duplicate_key() const { return duplicate_key_; }
  bool not_finite() const { return not_finite_; }
  Json take() { return std::move(stack_.front()); }

  bool on_document_begin(bj::error_code&) { return true; }
  bool on_document_end(bj::error_code&) { return true; }
  bool on_object_begin(bj::error_code&) { return open(); }
  bool on_array_begin(bj::error_code&) { return open(); }

  bool on_object_end(std::size_t count, bj::error_code&) {
    Json::Object members;
    members.reserve(count);
    const std::size_t start = starts_.back();
    for (std::size_t i = start; i < stack_.size(); ++i) {
      members.emplace_back(std::move(keys_[keys_.size() - (stack_.size() - i)]),
                           std::move(stack_[i]));
    }
    keys_.resize(keys_.size() - members.size());
    if (has_duplicate(members)) return false;
    return close(Json(std::move(members)));
  }
  bool on_array_end(std::size_t, bj::error_code&) {
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(starts_.back());
    Json::Array items(std::make_move_iterator(first), std::make_move_iterator(stack_.end()));
    return close(Json(std::move(items)));
  }

  bool on_key_part(bj::string_view text, std::size_t, bj::error_code&) { return part(text); }
  bool on_key(bj::string_view text, std::size_t, bj::error_code&) {
    part(text);
    keys_.push_back(std::exchange(text_, {}));
    return true;
  }
  bool on_string_part(bj::string_view text, std::size_t, bj::error_code&) { return part(text); }
  bool on_string(bj::string_view text, std::size_t, bj::error_code&) {
    part(text);
    return push(Json(std::exchange(text_, {})));
  }
  bool on_number_part(bj::string_view text, bj::error_code&) { return part(text); }
  bool on_int64(std::int64_t value, bj::string_view text, bj::error_code&) {
    part(text);
    const std::string digits = std::exchange(text_, {});
    return digits == "-0" ? push(Json(Json::Number{digits})) : push(Json(value));
  }
  bool on_uint64(std::uint64_t value, bj::string_view, bj::error_code&) {
    text_.clear();
    return push(Json(value));
  }
  bool on_double(double value, bj::string_view text, bj::error_code&) {
    part(text);
    if (!std::isfinite(value)) {
      not_finite_ = true;
      return false;
    }
    return push(Json(Json::Number{std::exchange(text_, {})}));
  }
  bool on_bool(bool value, bj::error_code&) { return push(Json(value)); }
  bool on_null(bj::error_code&) { return push(Json()); }
  bool on_comment_part(bj::string_view, bj::error_code&) { return true; }
  bool on_comment(bj::string_view, bj::error_code&) { return true; }

 private:
  bool part(bj::string_view text) {
    text_.append(text.data(), text.size());
    return true;
  }
  bool push(Json value) {
    stack_.push_back(std::move(value));
    return true;
  }
  bool open() {
    starts_.push_back(stack_.size());
    return true;
  }
  bool close(Json value) {
    stack_.resize(starts_.back());
    starts_.pop_back();
    return push(std::move(value));
  }
  bool has_duplicate(const Json::Object& members) {
    std::vector<std::string_view> keys;
    keys.reserve(members.size());
    for (const Json::Member& member : members) keys.push_back(member.first);
    std::sort(keys.begin(), keys.end());
    const auto twin = std::adjacent_find(keys.begin(), keys.end());
    if (twin == keys.end()) return false;
    duplicate_key_.emplace(*twin);
    return true;
  }

  std::vector<Json> stack_;
  std::vector<std::string> keys_;
  std::vector<std::size_t> starts_;
  std::string text_;
  std::optional<std::string> duplicate_key_;  // may be the empty key
  bool not_finite_ = false;
};

std::string position_of(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, std::min(offset, text.size()));
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const std::size_t newline = before.rfind('\n');
  const std::size_t column = newline == std::string_view::npos ? offset : offset - newline - 1;
  return fmt::format("line {}, column {}", lines + 1, column + 1);
}

}  // namespace

Result<Json> parse_strict(std::string_view text, const JsonLimits& limits) {
  if (text.size() > limits.bytes_max) {
    return fail(Code::kExhausted, "the JSON text has {} bytes, more than the limit of {}",
                text.size(), limits.bytes_max);
  }
  bj::parse_options options;
  options.max_depth = limits.depth_max;
  bj::basic_parser<Handler> parser(options);
  bj::error_code error;
  const std::size_t used = parser.write_some(false, text.data(), text.size(), error);
  if (const std::optional<std::string>& key = parser.handler().duplicate_key()) {
    return fail(Code::kInvalid, "duplicate key `{}` in the object that ends at {}", *key,
                position_of(text, used));
  }
  if (parser.handler().not_finite()) {
    return fail(Code::kInvalid, "number out of range at {}", position_of(text, used));
  }
  if (error == bj::error::too_deep) {
    return fail(Code::kExhausted, "the JSON text nests deeper than {} at {}", limits.depth_max,
                position_of(text, used));
  }
  if (error) return fail(Code::kInvalid, "{} at {}", error.message(), position_of(text, used));
  if (used < text.size()) {
    return fail(Code::kInvalid, "unexpected text after the JSON value at {}",
                position_of(text, used));
  }
  return parser.handler().take();
}

}  // namespace keyturn
