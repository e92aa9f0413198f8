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

// Counts lines and code points from one place to the next.
class LineCounter {
 public:
  explicit LineCounter(std::string_view text) : text_(text) {}

  // `offset` is not before the last one.
  std::string at(std::size_t offset) {
    for (; at_ < std::min(offset, text_.size()); ++at_) {
      if (text_[at_] == '\n') {
        ++line_;
        column_ = 1;
      } else if ((static_cast<unsigned char>(text_[at_]) & 0xc0U) != 0x80U) {
        ++column_;
      }
    }
    return fmt::format("line {}, column {}", line_, column_);
  }

 private:
  const std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::size_t column_ = 1;
};

}  // namespace

namespace {

std::string shown_pointer(std::string pointer) {
  if (pointer.size() > kPointerBytesMax) {
    std::size_t kept = kPointerBytesMax;
    while (kept > 0 && (static_cast<unsigned char>(pointer[kept]) & 0xc0U) == 0x80U) --kept;
    pointer = pointer.substr(0, kept) + "…";
  }
  return pointer.empty() ? "the top" : fmt::format("`{}`", pointer);
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
  const std::string shown = shown_pointer(std::move(pointer));
  if (text.empty()) return shown;
  Scanner scanner(text);
  for (const Step& step : path) scanner.enter(step.position);
  return fmt::format("{} ({})", LineCounter(text).at(scanner.offset()), shown);
}

namespace {

// Walks from value to value and knows the brackets it is in.
class Walker {
 public:
  explicit Walker(std::string_view text) : scanner_(text), size_(text.size()) {}

  // To the first value, key or bracket that is not before `offset`.
  std::size_t go_to(std::size_t offset) {
    while (scanner_.offset() < std::min(offset, size_)) step();
    return scanner_.offset();
  }
  std::string pointer() const {
    std::string pointer;
    for (const Level& level : path_) pointer += "/" + name_of(level);
    return pointer;
  }

 private:
  void step() {
    const char c = scanner_.peek();
    if (c == '{' || c == '[') {
      path_.push_back({c == '{'});
      enter();
    } else if (c == ',' && !path_.empty()) {
      ++path_.back().index;
      enter();
    } else if ((c == '}' || c == ']') && !path_.empty()) {
      path_.pop_back();
      scanner_.step();
    } else {
      scanner_.skip_value();
    }
    scanner_.skip_space();
  }
  // What follows a bracket or a comma.
  void enter() {
    scanner_.step();
    scanner_.skip_space();
    if (path_.back().is_object && scanner_.peek() == '"') path_.back().key = scanner_.pass_key();
  }

  Scanner scanner_;
  const std::size_t size_;
  std::vector<Level> path_;
};

}  // namespace

std::vector<std::string> places_at(std::string_view text, const std::vector<std::size_t>& offsets) {
  Walker walker(text);
  LineCounter lines(text);
  std::vector<std::string> places;
  for (const std::size_t offset : offsets) {
    const std::string line = lines.at(walker.go_to(offset));
    places.push_back(fmt::format("{} ({})", line, shown_pointer(walker.pointer())));
  }
  return places;
}

std::string place_at(std::string_view text, std::size_t offset) {
  return places_at(text, {offset}).front();
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
