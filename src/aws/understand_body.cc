#include <algorithm>

#include "aws/cbor.h"
#include "aws/understand_parts.h"
#include "aws/xml.h"
#include "crypto/crypto.h"

namespace keyturn::aws {
namespace {

constexpr std::string_view kQueueUrl = "QueueUrl";  // of every operation of SQS
constexpr std::string_view kFormType = "application/x-www-form-urlencoded; charset=utf-8";

Json size_and_digest(std::string_view bytes) {
  return Json::object(
      {{"$bytes", std::uint64_t{bytes.size()}}, {"$sha256", crypto::sha256(bytes).hex()}});
}

Json shown_bytes(std::string_view bytes) {
  if (bytes.size() <= kShownTextBytesMax && is_valid_utf8(bytes)) return Json(bytes);
  return size_and_digest(bytes);
}

// Segment by segment; a greedy label takes what its suffix leaves.
void read_labels(const Recognised& recognised, Json& labels) {
  const std::string_view uri = recognised.operation->uri;
  const auto templates = split_path(uri.substr(0, uri.find('?')));
  const auto& segments = recognised.target.segments;
  std::size_t at = 0;
  for (std::size_t i = 0; i < templates.size() && at < segments.size(); ++i) {
    const std::string_view part = templates[i];
    if (!part.starts_with('{')) {
      ++at;
      continue;
    }
    const bool greedy = part.ends_with("+}");
    const std::size_t after = templates.size() - i - 1;
    std::string value = segments[at++];
    while (greedy && segments.size() > at + after) value += "/" + segments[at++];
    labels.set(part.substr(1, part.size() - (greedy ? 3 : 2)), std::move(value));
  }
}

void read_query(const Recognised& recognised, Json& query) {
  for (const Field& field : recognised.target.query) {
    const Json* before = query.find(field.name);
    if (before == nullptr) {
      query.set(field.name, field.value);
    } else {
      Json list = before->is_array() ? *before : Json::array({*before});
      list.push_back(field.value);
      query.set(field.name, std::move(list));
    }
  }
}

void read_headers(const Recognised& recognised, const http::RequestHead& head, Json& headers) {
  for (const auto& [name, value] : head.headers) {
    if (!is_place(*recognised.operation, 'h', name)) continue;
    headers.set(to_lower(name), is_valid_utf8(value) ? value : printable(value, value.size() * 4));
  }
}

class BodyReader {
 public:
  BodyReader(const Recognised& recognised, const http::RequestHead& head, std::string_view body,
             const QueueHosts& hosts, Members& out)
      : recognised_(recognised), head_(head), body_(body), hosts_(hosts), out_(out) {}

  Result<void> read() {
    const Operation* operation = recognised_.operation;
    const bool opaque = operation != nullptr && (operation->has(Trait::kOpaqueBody) ||
                                                 operation->has(Trait::kStreamingBody) ||
                                                 operation->has(Trait::kEventStream));
    if (opaque) return take_bytes();
    TRY_VOID(check_coding(head_, body_));
    switch (recognised_.protocol) {
      case Protocol::kJson10:
      case Protocol::kJson11:
        return json(true);
      case Protocol::kRestJson:
        return operation == nullptr ? take_bytes() : json(false);
      case Protocol::kRestXml:
        return operation == nullptr ? take_bytes() : xml();
      case Protocol::kQuery:
      case Protocol::kEc2:
        return form();
      case Protocol::kCbor:
        return cbor();
      case Protocol::kUnknown:
        return take_bytes();
    }
    return take_bytes();
  }

 private:
  Result<void> take_bytes() {
    if (!body_.empty()) out_.input.body = shown_bytes(body_);
    out_.body = std::string(body_);
    out_.canonical_body = body_;
    return {};
  }

  void drop_tokens(Json& body) const {
    if (recognised_.operation == nullptr) return;
    for_each_piece(recognised_.operation->tokens, ',', [&](std::string_view path) {
      if (path.starts_with("b.")) overwrite(body, path.substr(2), nullptr);
    });
  }

  void canonicalise(Json body) {
    drop_tokens(body);
    out_.canonical_body = to_canonical(body);
  }

  Result<void> json(bool required) {
    if (trim(body_).empty()) {
      if (required) out_.input.body = Json::Object{};
      out_.body = required ? "{}" : "";
      out_.canonical_body = *out_.body;
      return {};
    }
    TRY(out_.input.body, parse_strict(body_));
    if (required && !out_.input.body.is_object()) {
      return fail(Code::kInvalid, "the JSON body is no object");
    }
    const Json* queue = out_.input.body.find(kQueueUrl);
    if (queue != nullptr && queue->if_string() != nullptr) {
      out_.input.body.set(kQueueUrl, queue_url_for_upstream(*queue->if_string(), hosts_));
    }
    out_.body = to_text(out_.input.body);
    canonicalise(out_.input.body);
    return {};
  }

  Result<void> form() {
    Fields members;
    Fields fields = recognised_.form;
    for (Field& field : fields) {
      if (field.name == kQueueUrl) field.value = queue_url_for_upstream(field.value, hosts_);
      if (field.name != "Action" && field.name != "Version") members.push_back(field);
    }
    TRY(out_.input.body, nest(members));
    out_.body = write_form(fields);
    out_.content_type = kFormType;
    Json canonical = out_.input.body;
    drop_tokens(canonical);
    const std::string* version = find_field(recognised_.form, "Version");
    out_.canonical_body =
        fmt::format("{}\n{}", version == nullptr ? "" : *version, to_canonical(canonical));
    return {};
  }

  Result<void> cbor() {
    if (body_.empty()) {
      out_.body = "";
      return {};
    }
    TRY(Cbor read, read_cbor(body_));
    if (!read.value.is_object()) return fail(Code::kInvalid, "the CBOR body is no map");
    out_.body = std::move(read.encoded);
    out_.input.body = std::move(read.value);
    canonicalise(out_.input.body);
    return {};
  }

  Result<void> xml() {
    if (body_.empty()) {
      out_.body = "";
      return {};
    }
    TRY(Xml read, read_xml(body_));
    Json canonical = read.value;
    drop_tokens(canonical);
    out_.canonical_body =
        canonical == read.value ? read.encoded : read.root + "\n" + to_canonical(canonical);
    out_.body = std::move(read.encoded);
    out_.input.body = std::move(read.value);
    return {};
  }

  const Recognised& recognised_;
  const http::RequestHead& head_;
  std::string_view body_;
  const QueueHosts& hosts_;
  Members& out_;
};

void shorten(Json& value) {
  if (auto* array = value.if_array()) {
    for (Json& item : *array) shorten(item);
  } else if (auto* object = value.if_object()) {
    for (auto& [name, item] : *object) shorten(item);
  } else if (const auto* text = value.if_string()) {
    if (text->size() > kShownTextBytesMax) value = size_and_digest(*text);
  }
}

}  // namespace

Result<Members> read_members(const Recognised& recognised, const http::RequestHead& head,
                             std::optional<std::string_view> body, const QueueHosts& hosts) {
  Members out;
  const bool streaming =
      recognised.operation != nullptr && recognised.operation->has(Trait::kStreamingBody);
  if (!body && !streaming && recognised.service != nullptr) {
    return fail(Code::kInternal, "the body of this request must be read before it is understood");
  }
  if (body && body->size() > kParsedBodyBytesMax) {
    return fail(Code::kExhausted, "the body has {} bytes; at most {} are looked into", body->size(),
                kParsedBodyBytesMax);
  }
  if (recognised.operation != nullptr) {
    if (!recognised.operation->uri.empty()) read_labels(recognised, out.input.labels);
    if (recognised.form.empty()) read_query(recognised, out.input.query);
    read_headers(recognised, head, out.input.headers);
  }
  TRY_VOID(check_spelling(out.input.query));
  for (const std::string& segment : recognised.target.segments)
    out.input.request_path += "/" + segment;
  if (out.input.request_path.empty()) out.input.request_path = "/";
  if (body) {
    TRY_VOID(BodyReader(recognised, head, *body, hosts, out).read());
    TRY_VOID(check_spelling(out.input.body));
  } else {
    out.canonical_body = "(streamed)";
  }
  return out;
}

Json shown_parameters(const Operation* operation, Input input) {
  if (operation != nullptr) {
    const Json hidden = "(hidden)";
    for_each_piece(operation->secrets, ',',
                   [&](std::string_view path) { input.overwrite(path, &hidden); });
  }
  Json merged = input.merged();
  shorten(merged);
  const std::string text = to_text(merged);
  return text.size() > kShownBytesMax ? size_and_digest(text) : merged;
}

}  // namespace keyturn::aws
