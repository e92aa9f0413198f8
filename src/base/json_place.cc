#include "base/json_place.h"

#include <algorithm>
#include <optional>

namespace keyturn {
namespace {

// A key may be as long as the text; the pointer is for people.
constexpr std::size_t kPointerBytesMax = 256;

// One step of a path: the position among the items or members, and its name for the pointer.
struct Step {
  std::size_t position;
  std::string name;
};

std::string escaped(std::string_view key) {
  std::string out;
  for (const char c : key) {
    if (c == '~' || c == '/') {
      out += c == '~' ? "~0" : "~1";
    } else {
      out += c;
    }
  }
  return out;
}

// Depth first. Recursion is as deep as the value, which parse_strict() bounds.
bool find_path(const Json& from, const Json& part, std::vector<Step>& path) {
  if (&from == &part) return true;
  if (const Json::Array* items = from.if_array()) {
    for (std::size_t i = 0; i < items->size(); ++i) {
      path.push_back({i, {}});
      if (find_path((*items)[i], part, path)) return true;
      path.pop_back();
    }
  }
  if (const Json::Object* members = from.if_object()) {
    for (std::size_t i = 0; i < members->size(); ++i) {
      path.push_back({i, {}});
      if (find_path((*members)[i].second, part, path)) return true;
      path.pop_back();
    }
  }
  return false;
}

void name_steps(const Json& root, std::vector<Step>& path) {
  const Json* at = &root;
  for (Step& step : path) {
    if (const Json::Object* members = at->if_object()) {
      step.name = escaped((*members)[step.position].first);
      at = &(*members)[step.position].second;
    } else {
      step.name = std::to_string(step.position);
      at = &(*at->if_array())[step.position];
    }
  }
}

// Over a text that is known to be JSON.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) { skip_space(); }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void step() { ++at_; }
  void skip_space() {
    while (at_ < text_.size() &&
           std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) {
      ++at_;
    }
  }
  // From a key to its value; the key with its quotes, as written.
  std::string_view pass_key() {
    const std::size_t begin = at_;
    skip_string();
    const std::string_view key = text_.substr(begin, at_ - begin);
    skip_space();
    step();  // the colon
    skip_space();
    return key;
  }
  // From the bracket to the item or member's value at `position`.
  void enter(std::size_t position) {
    const bool is_object = peek() == '{';
    ++at_;
    for (std::size_t i = 0; i <= position; ++i) {
      skip_space();
      if (is_object) pass_key();
      if (i == position) return;
      skip_value();
      skip_space();
      ++at_;  // the comma
    }
  }
  std::size_t offset() const { return std::min(at_, text_.size()); }
  void skip_value() {
    std::size_t depth = 0;
    do {
      const char c = peek();
      if (c == '"') {
        skip_string();
        continue;
      }
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') --depth;
      ++at_;
    } while (at_ < text_.size() &&
             (depth > 0 || std::string_view(",]} \t\r\n").find(peek()) == std::string_view::npos));
  }

 private:
  void skip_string() {
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\') ++at_;
    }
    ++at_;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

std::string line_and_column(std::string_view text, std::size_t offset) {
  const std::string_view before = text.substr(0, offset);
  const auto lines = std::count(before.begin(), before.end(), '\n');
  const std::size_t newline = before.rfind('\n');
  const std::string_view line =
      newline == std::string_view::npos ? before : before.substr(newline + 1);
  const auto column = std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;  // code points
  });
  return fmt::format("line {}, column {}", lines + 1, column + 1);
}

}  // namespace

namespace {

std::string shown_place(std::string pointer, std::string_view text, std::size_t offset) {
  if (pointer.size() > kPointerBytesMax) {
    std::size_t kept = kPointerBytesMax;
    while (kept > 0 && (static_cast<unsigned char>(pointer[kept]) & 0xc0U) == 0x80U) --kept;
    pointer = pointer.substr(0, kept) + "…";
  }
  const std::string shown = pointer.empty() ? "the top" : fmt::format("`{}`", pointer);
  return text.empty() ? shown : fmt::format("{} ({})", line_and_column(text, offset), shown);
}

// An open bracket on the way to an offset.
struct Level {
  bool is_object = false;
  std::size_t index = 0;
  std::string_view key = {};  // with its quotes, as written
};

std::string name_of(const Level& level) {
  if (!level.is_object) return std::to_string(level.index);
  const Result<Json> key = parse_strict(level.key);
  return key && key->is_string() ? escaped(*key->if_string()) : std::string();
}

}  // namespace

std::string place_of(const Json& part, const Json& root, std::string_view text) {
  std::vector<Step> path;
  find_path(root, part, path);
  name_steps(root, path);
  std::string pointer;
  for (const Step& step : path) pointer += "/" + step.name;
  if (text.empty()) return shown_place(std::move(pointer), text, 0);
  Scanner scanner(text);
  for (const Step& step : path) scanner.enter(step.position);
  return shown_place(std::move(pointer), text, scanner.offset());
}

std::string place_at(std::string_view text, std::size_t offset) {
  std::vector<Level> path;
  Scanner scanner(text);
  const auto enter = [&] {  // what follows a bracket or a comma
    scanner.skip_space();
    if (path.back().is_object && scanner.peek() == '"') path.back().key = scanner.pass_key();
  };
  while (scanner.offset() < std::min(offset, text.size())) {
    const char c = scanner.peek();
    if (c == '{' || c == '[') {
      path.push_back({c == '{'});
      scanner.step();
      enter();
    } else if (c == ',' && !path.empty()) {
      ++path.back().index;
      scanner.step();
      enter();
    } else if ((c == '}' || c == ']') && !path.empty()) {
      path.pop_back();
      scanner.step();
      scanner.skip_space();
    } else {
      scanner.skip_value();
      scanner.skip_space();
    }
  }
  std::string pointer;
  for (const Level& level : path) pointer += "/" + name_of(level);
  return shown_place(std::move(pointer), text, scanner.offset());
}

namespace {

using Spans = std::unordered_map<const Json*, JsonOffsets::Span>;

// As deep as the value, which parse_strict() bounds.
void note_spans(const Json& json, Scanner& scanner, Spans& spans) {
  const auto begin = static_cast<std::uint32_t>(scanner.offset());
  const Json::Array* items = json.if_array();
  const Json::Object* members = json.if_object();
  if (items == nullptr && members == nullptr) {
    scanner.skip_value();
  } else {
    const std::size_t count = items == nullptr ? members->size() : items->size();
    scanner.step();
    scanner.skip_space();
    for (std::size_t i = 0; i < count; ++i) {
      if (i > 0) scanner.step();  // the comma
      scanner.skip_space();
      if (members != nullptr) scanner.pass_key();
      note_spans(items == nullptr ? (*members)[i].second : (*items)[i], scanner, spans);
      scanner.skip_space();
    }
    scanner.step();  // the bracket
  }
  spans.emplace(&json, JsonOffsets::Span{begin, static_cast<std::uint32_t>(scanner.offset())});
}

}  // namespace

JsonOffsets::JsonOffsets(const Json& root, std::string_view text) {
  Scanner scanner(text);
  note_spans(root, scanner, spans_);
}

JsonOffsets::Span JsonOffsets::of(const Json& part) const {
  const auto found = spans_.find(&part);
  return found == spans_.end() ? Span{} : found->second;
}

Error JsonFault::placed(Error error, const Json& root, std::string_view text) const {
  // Without a text, that the whole of it is wrong is no place.
  if (found_ == nullptr || (text.empty() && found_ == &root)) return error;
  error.message += " at " + place_of(*found_, root, text);
  return error;
}

}  // namespace keyturn
