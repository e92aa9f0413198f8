#include "aws/parameters.h"

#include <algorithm>
#include <array>

#include "aws/model_trie.h"

namespace keyturn::aws {
namespace {

constexpr std::string_view kHintPrefix = "/_svc/";
constexpr std::array<std::string_view, 8> kSignatureParameters = {
    "X-Amz-Algorithm",     "X-Amz-Credential", "X-Amz-Date",           "X-Amz-Expires",
    "X-Amz-SignedHeaders", "X-Amz-Signature",  "X-Amz-Security-Token", "X-Amz-Content-Sha256"};

bool is_dots(std::string_view segment) { return segment == "." || segment == ".."; }

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
}

// Also where a label's own slashes make them: `a%2F..%2Fb`.
bool has_dot_segment(std::string_view decoded) {
  bool found = is_dots(decoded);
  while (!decoded.empty() && !found) {
    const std::size_t slash = decoded.find_first_of("/\\");
    found = is_dots(decoded.substr(0, slash));
    if (slash == std::string_view::npos) break;
    decoded.remove_prefix(slash + 1);
  }
  return found;
}

// One name to who decodes once, another to who decodes twice. A key of S3 may hold a `%41` of its
// own.
bool is_encoded_twice(std::string_view decoded, PathRules rules) {
  const auto again = percent_decode(decoded);
  if (!again || *again == decoded) return false;
  return rules == PathRules::kPlain || has_dot_segment(*again);
}

Result<void> read_path(Target& out, PathRules rules) {
  out.trailing_slash = out.path.size() > 1 && out.path.ends_with('/');
  for (const std::string_view raw : split_path(out.path)) {
    TRY(std::string segment, percent_decode(raw));
    if (has_control(segment) || !is_valid_utf8(segment)) {
      return fail(Code::kInvalid, "the path holds a control character or is not UTF-8");
    }
    if (has_dot_segment(segment)) {
      return fail(Code::kInvalid, "the path holds a dot segment: `{}`", printable(raw, 64));
    }
    if (is_encoded_twice(segment, rules)) {
      return fail(Code::kInvalid, "the path is percent-encoded twice: `{}`", printable(raw, 64));
    }
    if (segment.empty() && rules == PathRules::kPlain) {
      return fail(Code::kInvalid, "the path holds an empty segment");
    }
    out.segments.push_back(std::move(segment));
  }
  return {};
}

Result<void> read_query(Target& out, std::string_view text) {
  while (!text.empty()) {
    const std::size_t end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (pair.empty()) continue;
    if (pair.find('+') != std::string_view::npos) {
      return fail(Code::kInvalid, "a plus in the query may be a plus or a space; send %2B or %20");
    }
    const std::size_t equals = pair.find('=');
    TRY(std::string name, percent_decode(pair.substr(0, equals)));
    std::string value;
    if (equals != std::string_view::npos) {
      TRY(value, percent_decode(pair.substr(equals + 1)));
    }
    if (name.empty()) return fail(Code::kInvalid, "a parameter of the query has no name");
    if (has_control(name) || !is_valid_utf8(name) || !is_valid_utf8(value)) {
      return fail(Code::kInvalid, "the query holds a control character or is not UTF-8");
    }
    if (out.query.size() >= kFormFieldsMax) {
      return fail(Code::kExhausted, "the query has more than {} parameters", kFormFieldsMax);
    }
    if (is_signature_parameter(name)) {
      out.presigned = true;
      continue;
    }
    out.query.push_back({std::move(name), std::move(value)});
  }
  return {};
}

}  // namespace

Result<Target> read_target(std::string_view target, PathRules rules) {
  if (!target.starts_with('/') || target.find('#') != std::string_view::npos) {
    return fail(Code::kInvalid, "the request target is no path");
  }
  if (has_control(target) || target.find_first_of(" \\") != std::string_view::npos) {
    return fail(Code::kInvalid, "the request target holds a character that must be encoded");
  }
  Target out;
  const std::size_t question = target.find('?');
  std::string_view path = target.substr(0, question);
  if (path.starts_with(kHintPrefix)) {
    path.remove_prefix(kHintPrefix.size());
    const std::size_t slash = path.find('/');
    out.service_hint = path.substr(0, slash);
    path = slash == std::string_view::npos ? "/" : path.substr(slash);
  }
  out.path = path;
  TRY_VOID(read_path(out, rules));
  // `//` is the root like `/`, and is written so.
  if (out.segments.empty()) out.trailing_slash = false;
  if (question != std::string_view::npos) TRY_VOID(read_query(out, target.substr(question + 1)));
  return out;
}

bool is_signature_parameter(std::string_view name) {
  return std::find(kSignatureParameters.begin(), kSignatureParameters.end(), name) !=
         kSignatureParameters.end();
}

Result<std::optional<http::RequestHead>> without_hoisted(const http::RequestHead& head) {
  const std::size_t question = head.target.find('?');
  if (question == std::string::npos) return std::nullopt;
  http::RequestHead out{head.method, head.target.substr(0, question), head.headers};
  bool presigned = false;
  bool found = false;
  char separator = '?';
  std::string_view query = std::string_view(head.target).substr(question + 1);
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const auto name = percent_decode(pair.substr(0, equals));
    presigned = presigned || (name && *name == "X-Amz-Signature");
    const bool field = name && to_lower(*name).starts_with("x-amz-") &&
                       !is_signature_parameter(*name) && pair.find('+') == pair.npos;
    if (!field) {
      out.target += separator;
      out.target += pair;
      separator = '&';
      continue;
    }
    TRY(const std::string value, percent_decode(pair.substr(std::min(equals + 1, pair.size()))));
    if (has_control(*name) || has_control(value) || trim(value) != value) {
      return fail(Code::kInvalid, "the parameter `{}` is no value of a header field",
                  printable(*name, 64));
    }
    out.headers.add(*name, value);
    found = true;
  }
  if (!presigned || !found) return std::nullopt;
  return out;
}

std::string write_path(const std::vector<std::string>& segments, bool trailing_slash) {
  std::string path;
  for (const std::string& segment : segments) path += "/" + percent_encode(segment);
  if (path.empty() || trailing_slash) path += '/';
  return path;
}

std::string write_query(const Fields& query) {
  std::string text;
  for (const Field& field : query) {
    text += text.empty() ? "?" : "&";
    text += percent_encode(field.name);
    if (!field.value.empty()) text += "=" + percent_encode(field.value);
  }
  return text;
}

const std::string* find_field(const Fields& fields, std::string_view name) {
  for (const Field& field : fields) {
    if (field.name == name) return &field.value;
  }
  return nullptr;
}

namespace {

// Null when every name is there once. By sorting, which asks for less memory than a set.
const std::string* find_repeated(const Fields& fields) {
  std::vector<const std::string*> names;
  names.reserve(fields.size());
  for (const Field& field : fields) names.push_back(&field.name);
  std::sort(names.begin(), names.end(),
            [](const std::string* a, const std::string* b) { return *a < *b; });
  const auto found =
      std::adjacent_find(names.begin(), names.end(),
                         [](const std::string* a, const std::string* b) { return *a == *b; });
  return found == names.end() ? nullptr : *found;
}

}  // namespace

Result<Fields> read_form(std::string_view body) {
  Fields fields;
  const auto decode = [](std::string_view text) -> Result<std::string> {
    std::string spaced(text);
    if (text.find_first_of("%+") == text.npos) return spaced;  // most of them
    std::replace(spaced.begin(), spaced.end(), '+', ' ');
    return percent_decode(spaced);
  };
  while (!body.empty()) {
    const std::size_t end = body.find('&');
    const std::string_view pair = body.substr(0, end);
    body.remove_prefix(end == std::string_view::npos ? body.size() : end + 1);
    if (pair.empty()) continue;
    const std::size_t equals = pair.find('=');
    TRY(std::string name, decode(pair.substr(0, equals)));
    std::string value;
    if (equals != std::string_view::npos) {
      TRY(value, decode(pair.substr(equals + 1)));
    }
    if (!is_valid_utf8(name) || !is_valid_utf8(value)) {
      return fail(Code::kInvalid, "the form holds text that is not UTF-8");
    }
    if (fields.size() >= kFormFieldsMax) {
      return fail(Code::kExhausted, "the form has more than {} fields", kFormFieldsMax);
    }
    fields.push_back({std::move(name), std::move(value)});
  }
  if (const std::string* name = find_repeated(fields)) {
    return fail(Code::kInvalid, "the form field `{}` is repeated", printable(*name, 64));
  }
  return fields;
}

std::string write_form(const Fields& fields) {
  std::string text;
  for (const Field& field : fields) {
    if (!text.empty()) text += '&';
    text += percent_encode(field.name);
    text += '=';
    text += percent_encode(field.value);
  }
  return text;
}

}  // namespace keyturn::aws
