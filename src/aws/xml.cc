#include "aws/xml.h"

#include <algorithm>
#include <map>

#include "base/bytes.h"

namespace keyturn::aws {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";
constexpr std::size_t kAttributesMax = 16;

bool is_name_byte(char c, bool first) {
  if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_') return true;
  return !first && ((c >= '0' && c <= '9') || c == '-' || c == '.' || c == ':');
}

// No character of XML, in a CDATA section neither.
bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 && kSpaces.find(c) == std::string_view::npos;
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0U | (code >> 6U));
    put(0x80U | (code & 0x3fU));
  } else if (code < 0x10000) {
    put(0xe0U | (code >> 12U));
    put(0x80U | ((code >> 6U) & 0x3fU));
    put(0x80U | (code & 0x3fU));
  } else {
    put(0xf0U | (code >> 18U));
    put(0x80U | ((code >> 12U) & 0x3fU));
    put(0x80U | ((code >> 6U) & 0x3fU));
    put(0x80U | (code & 0x3fU));
  }
}

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\r':
        out += "&#13;";
        break;
      case '\n':
        out += "&#10;";
        break;
      case '\t':
        out += "&#9;";
        break;
      default:
        out += c;
    }
  }
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) : rest_(bytes) {}

  Result<Xml> whole() {
    Xml xml;
    if (rest_.starts_with("\xef\xbb\xbf")) rest_.remove_prefix(3);
    if (rest_.starts_with("<?xml ")) TRY_VOID(declaration());
    TRY_VOID(skip());
    TRY(xml.value, element(xml.root, xml.encoded, 0));
    TRY_VOID(skip());
    if (!rest_.empty()) return fail(Code::kInvalid, "text follows the XML document");
    return xml;
  }

 private:
  // Only the declaration that says UTF-8: another encoding would be another text.
  Result<void> declaration() {
    const std::size_t end = rest_.find("?>");
    if (end == std::string_view::npos) return broken();
    const std::string text = to_lower(rest_.substr(0, end));
    const std::size_t encoding = text.find("encoding");
    if (encoding != std::string::npos && text.find("utf-8", encoding) == std::string::npos) {
      return fail(Code::kInvalid, "the XML is not in UTF-8");
    }
    rest_.remove_prefix(end + 2);
    return {};
  }

  // White space and comments.
  Result<void> skip() {
    while (true) {
      rest_.remove_prefix(std::min(rest_.find_first_not_of(kSpaces), rest_.size()));
      if (!rest_.starts_with("<!--")) return {};
      const std::size_t end = rest_.find("-->", 4);
      if (end == std::string_view::npos) return broken();
      rest_.remove_prefix(end + 3);
    }
  }

  tl::unexpected<Error> broken() const {
    return fail(Code::kInvalid, "the XML is malformed near `{}`", printable(rest_, 24));
  }

  Result<std::string> name() {
    std::size_t size = 0;
    while (size < rest_.size() && is_name_byte(rest_[size], size == 0)) ++size;
    if (size == 0) return broken();
    std::string name(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return name;
  }

  Result<void> reference(std::string& out) {
    static constexpr std::pair<std::string_view, char> kNamed[] = {
        {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
    for (const auto& [text, character] : kNamed) {
      if (!rest_.starts_with(text)) continue;
      out += character;
      rest_.remove_prefix(text.size());
      return {};
    }
    const std::size_t end = rest_.substr(0, 12).find(';');
    if (!rest_.starts_with("&#") || end == std::string_view::npos) {
      return fail(Code::kInvalid, "the XML refers to an entity; only characters may be escaped");
    }
    const bool hex = rest_[2] == 'x';
    std::string_view digits = rest_.substr(hex ? 3 : 2, end - (hex ? 3 : 2));
    std::uint32_t code = 0;
    if (digits.empty()) return broken();
    for (const char c : digits) {
      const std::size_t digit = std::string_view("0123456789abcdef").find(to_lower({&c, 1}));
      if (digit >= (hex ? 16U : 10U) || code > 0x10ffff) return broken();
      code = code * (hex ? 16 : 10) + static_cast<std::uint32_t>(digit);
    }
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    const bool control = code < 0x20 && code != '\t' && code != '\n' && code != '\r';
    if (code > 0x10ffff || surrogate || control) return broken();
    append_utf8(out, code);
    rest_.remove_prefix(end + 1);
    return {};
  }

  // Up to `stop`, which is not taken.
  Result<std::string> characters(char stop) {
    std::string out;
    while (!rest_.empty() && rest_.front() != stop) {
      const char c = rest_.front();
      if (c == '&') {
        TRY_VOID(reference(out));
        continue;
      }
      if (c == '<' || is_control(c)) return broken();
      out += c;
      rest_.remove_prefix(1);
    }
    if (rest_.empty() || !is_valid_utf8(out)) return broken();
    return out;
  }

  Result<void> attributes(std::string& encoded, Json& value) {
    std::map<std::string, std::string> seen;
    while (true) {
      rest_.remove_prefix(std::min(rest_.find_first_not_of(kSpaces), rest_.size()));
      if (rest_.starts_with(">") || rest_.starts_with("/>")) return {};
      TRY(std::string key, name());
      if (rest_.size() < 2 || rest_[0] != '=' || (rest_[1] != '"' && rest_[1] != '\'')) {
        return broken();
      }
      const char quote = rest_[1];
      rest_.remove_prefix(2);
      TRY(std::string text, characters(quote));
      rest_.remove_prefix(1);
      encoded += " " + key + "=\"";
      append_escaped(encoded, text);
      encoded += '"';
      if (!key.starts_with("xmlns")) value.set("@" + key, text);
      if (!seen.emplace(std::move(key), std::move(text)).second || seen.size() > kAttributesMax) {
        return fail(Code::kInvalid, "an XML attribute is repeated or there are too many");
      }
    }
  }

  Result<Json> element(std::string& tag, std::string& encoded, std::size_t depth) {
    if (depth > kXmlDepthMax || ++elements_ > kXmlElementsMax) {
      return fail(Code::kInvalid, "the XML is nested too deep or has too many elements");
    }
    if (!rest_.starts_with('<')) return broken();
    rest_.remove_prefix(1);
    TRY(tag, name());
    encoded += "<" + tag;
    Json value;
    TRY_VOID(attributes(encoded, value));
    encoded += '>';
    if (rest_.starts_with("/>")) {
      rest_.remove_prefix(2);
    } else {
      rest_.remove_prefix(1);
      TRY_VOID(content(value, encoded, depth));
      if (!rest_.starts_with("</")) return broken();
      rest_.remove_prefix(2);
      TRY(const std::string closing, name());
      rest_.remove_prefix(std::min(rest_.find_first_not_of(kSpaces), rest_.size()));
      if (closing != tag || !rest_.starts_with('>')) return broken();
      rest_.remove_prefix(1);
    }
    encoded += "</" + tag + ">";
    if (value.is_null()) value = "";
    return value;
  }

  // Either elements or text.
  Result<void> content(Json& value, std::string& encoded, std::size_t depth) {
    const std::string_view before = rest_;
    TRY_VOID(skip());
    if (rest_.starts_with("</") && rest_.size() == before.size()) return {};
    if (rest_.starts_with('<') && !rest_.starts_with("</") && !rest_.starts_with("<!")) {
      return children(value, encoded, depth);
    }
    rest_ = before;
    std::string text;
    while (!rest_.starts_with("</")) {
      if (rest_.starts_with("<!--")) {
        TRY_VOID(skip());
        continue;
      }
      if (rest_.starts_with("<![CDATA[")) {
        const std::size_t end = rest_.find("]]>");
        if (end == std::string_view::npos) return broken();
        const std::string_view plain = rest_.substr(9, end - 9);
        if (std::any_of(plain.begin(), plain.end(), is_control)) return broken();
        text += plain;
        rest_.remove_prefix(end + 3);
        if (!is_valid_utf8(text)) return broken();
        continue;
      }
      TRY(const std::string piece, characters('<'));
      if (piece.empty()) return broken();
      text += piece;
    }
    append_escaped(encoded, text);
    if (value.is_null()) {
      value = std::move(text);
    } else {
      value.set("#text", std::move(text));
    }
    return {};
  }

  Result<void> children(Json& value, std::string& encoded, std::size_t depth) {
    std::map<std::string, Json::Array> groups;
    while (!rest_.starts_with("</")) {
      std::string tag;
      TRY(Json child, element(tag, encoded, depth + 1));
      groups[tag].push_back(std::move(child));
      TRY_VOID(skip());
    }
    for (auto& [tag, items] : groups) {
      value.set(tag, items.size() == 1 ? std::move(items.front()) : Json(std::move(items)));
    }
    return {};
  }

  std::string_view rest_;
  std::size_t elements_ = 0;
};

}  // namespace

Result<Xml> read_xml(std::string_view bytes) { return Reader(bytes).whole(); }

}  // namespace keyturn::aws
