#include "aws/template.h"

#include <yaml.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/bytes.h"

namespace keyturn::aws {
namespace {

constexpr std::array<std::string_view, 21> kFunctions = {
    "Base64", "Cidr",  "FindInMap",    "GetAtt",    "GetAZs",  "ImportValue", "Join",
    "Select", "Split", "Sub",          "Transform", "And",     "Equals",      "If",
    "Not",    "Or",    "ToJsonString", "Length",    "ValueOf", "ValueOfAll",  "EachMemberIn"};

std::string_view view_of(const yaml_char_t* text, std::size_t size) {
  // The library's bytes are unsigned; the text is the same.
  return {reinterpret_cast<const char*>(text), size};
}

// One event of the parser, freed at its end.
class Event {
 public:
  Event() = default;
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() {
    if (filled_) yaml_event_delete(&event_);
  }
  bool fill(yaml_parser_t* parser) {
    filled_ = yaml_parser_parse(parser, &event_) != 0;
    return filled_;
  }
  yaml_event_type_t type() const { return event_.type; }
  const yaml_event_t& get() const { return event_; }

 private:
  yaml_event_t event_ = {};
  bool filled_ = false;
};

class YamlReader {
 public:
  explicit YamlReader(std::string_view text) {
    yaml_parser_initialize(&parser_);
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
  }

  YamlReader(const YamlReader&) = delete;
  YamlReader& operator=(const YamlReader&) = delete;
  ~YamlReader() { yaml_parser_delete(&parser_); }

  Result<Json> document() {
    TRY_VOID(expect(YAML_STREAM_START_EVENT));
    TRY_VOID(expect(YAML_DOCUMENT_START_EVENT));
    Event first;
    TRY_VOID(next(first));
    TRY(Json root, value(first, 0));
    TRY_VOID(expect(YAML_DOCUMENT_END_EVENT));
    Event last;
    TRY_VOID(next(last));
    if (last.type() != YAML_STREAM_END_EVENT) {
      return fail(Code::kInvalid, "the template holds several documents");
    }
    return root;
  }

 private:
  Result<void> next(Event& event) {
    if (!event.fill(&parser_)) {
      return fail(Code::kInvalid, "line {} of the template is no YAML: {}",
                  parser_.problem_mark.line + 1,
                  parser_.problem == nullptr ? "unreadable" : parser_.problem);
    }
    if (++nodes_ > kTemplateNodesMax) {
      return fail(Code::kExhausted, "the template has more than {} values", kTemplateNodesMax);
    }
    return {};
  }

  Result<void> expect(yaml_event_type_t type) {
    Event event;
    TRY_VOID(next(event));
    if (event.type() != type) return fail(Code::kInvalid, "the template is empty");
    return {};
  }

  std::size_t line(const Event& event) const { return event.get().start_mark.line + 1; }

  Result<Json> value(const Event& event, std::size_t depth) {
    if (depth > kTemplateDepthMax) {
      return fail(Code::kExhausted, "the template is nested deeper than {}", kTemplateDepthMax);
    }
    switch (event.type()) {
      case YAML_SCALAR_EVENT:
        return scalar(event);
      case YAML_SEQUENCE_START_EVENT: {
        TRY(Json array, sequence(depth));
        return tagged(event, event.get().data.sequence_start.tag, std::move(array));
      }
      case YAML_MAPPING_START_EVENT: {
        TRY(Json object, mapping(depth));
        return tagged(event, event.get().data.mapping_start.tag, std::move(object));
      }
      default:
        // An alias stands for what was said elsewhere, which CloudFormation does not allow.
        return fail(Code::kInvalid, "line {} of the template holds an alias", line(event));
    }
  }

  Result<Json> scalar(const Event& event) {
    const auto& scalar = event.get().data.scalar;
    const std::string_view text = view_of(scalar.value, scalar.length);
    if (scalar.anchor != nullptr) return anchored(event);
    const bool plain = scalar.style == YAML_PLAIN_SCALAR_STYLE && scalar.tag == nullptr;
    if (plain && (text.empty() || text == "~" || text == "null" || text == "Null")) return Json();
    return tagged(event, scalar.tag, Json(text));
  }

  Result<Json> sequence(std::size_t depth) {
    Json::Array items;
    for (;;) {
      Event event;
      TRY_VOID(next(event));
      if (event.type() == YAML_SEQUENCE_END_EVENT) return Json(std::move(items));
      TRY(Json item, value(event, depth + 1));
      items.push_back(std::move(item));
    }
  }

  Result<Json> mapping(std::size_t depth) {
    Json::Object members;
    std::set<std::string, std::less<>> keys;
    for (;;) {
      Event event;
      TRY_VOID(next(event));
      if (event.type() == YAML_MAPPING_END_EVENT) return Json(std::move(members));
      if (event.type() != YAML_SCALAR_EVENT || event.get().data.scalar.tag != nullptr) {
        return fail(Code::kInvalid, "line {} of the template has a key that is no text",
                    line(event));
      }
      const auto& scalar = event.get().data.scalar;
      std::string key(view_of(scalar.value, scalar.length));
      if (key == "<<" || !keys.insert(key).second) {
        return fail(Code::kInvalid, "line {} of the template repeats or merges the key `{}`",
                    line(event), printable(key, 64));
      }
      Event inner;
      TRY_VOID(next(inner));
      TRY(Json item, value(inner, depth + 1));
      members.emplace_back(std::move(key), std::move(item));
    }
  }

  Result<Json> anchored(const Event& event) const {
    return fail(Code::kInvalid, "line {} of the template holds an anchor", line(event));
  }

  Result<Json> tagged(const Event& event, const yaml_char_t* tag, Json inner) const {
    if (tag == nullptr) return inner;
    std::string_view name = reinterpret_cast<const char*>(tag);
    constexpr std::string_view kCore = "tag:yaml.org,2002:";
    if (name.starts_with(kCore)) return inner;
    if (!name.starts_with('!') || name == "!") return inner;
    name.remove_prefix(1);
    if (name == "Ref" || name == "Condition") {
      return Json::object({{std::string(name), std::move(inner)}});
    }
    if (std::find(kFunctions.begin(), kFunctions.end(), name) == kFunctions.end()) {
      return fail(Code::kInvalid, "line {} of the template has the unknown tag `{}`", line(event),
                  printable(name, 64));
    }
    if (name == "GetAtt" && inner.is_string()) {
      const std::string& text = *inner.if_string();
      const std::size_t dot = text.find('.');
      if (dot == std::string::npos) {
        return fail(Code::kInvalid, "line {} of the template asks for no attribute", line(event));
      }
      inner = Json::array({text.substr(0, dot), text.substr(dot + 1)});
    }
    return Json::object({{"Fn::" + std::string(name), std::move(inner)}});
  }

  yaml_parser_t parser_ = {};
  std::size_t nodes_ = 0;
};

}  // namespace

Result<Json> parse_template(std::string_view text) {
  if (text.size() > kTemplateBytesMax) {
    return fail(Code::kExhausted, "the template has {} bytes; at most {} are read", text.size(),
                kTemplateBytesMax);
  }
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin != std::string_view::npos && text[begin] == '{') {
    auto json =
        parse_strict(text, {.bytes_max = kTemplateBytesMax, .depth_max = kTemplateDepthMax});
    if (json) return json;
    // YAML's flow style begins so too.
  }
  auto yaml = YamlReader(text).document();
  if (yaml && !yaml->is_object()) return fail(Code::kInvalid, "the template is no mapping");
  return yaml;
}

}  // namespace keyturn::aws
