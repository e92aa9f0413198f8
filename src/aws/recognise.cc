#include "aws/recognise.h"

#include <algorithm>

namespace keyturn::aws {
namespace {

constexpr std::string_view kTargetHeader = "x-amz-target";
constexpr std::string_view kProtocolHeader = "smithy-protocol";
constexpr std::string_view kFormType = "application/x-www-form-urlencoded";
// Readers that honour them would see another method than we judge.
constexpr std::array<std::string_view, 3> kMethodOverrides = {"x-http-method-override",
                                                              "x-http-method", "x-method-override"};

std::string content_type(const http::RequestHead& head) {
  const std::string_view value = head.headers.find("content-type").value_or("");
  return to_lower(trim(value.substr(0, value.find(';'))));
}

Result<void> check_markers(const http::RequestHead& head) {
  for (const std::string_view name :
       {kTargetHeader, kProtocolHeader, std::string_view("content-type"),
        std::string_view("content-encoding")}) {
    if (head.headers.count(name) > 1) {
      return fail(Code::kInvalid, "the header field `{}` is repeated", name);
    }
  }
  for (const std::string_view name : kMethodOverrides) {
    if (head.headers.count(name) > 0) {
      return fail(Code::kInvalid, "the header field `{}` is not accepted", name);
    }
  }
  if (head.headers.count(kTargetHeader) > 0 && head.headers.count(kProtocolHeader) > 0) {
    return fail(Code::kInvalid, "the request has two protocol markers");
  }
  return {};
}

class Recogniser {
 public:
  Recogniser(const Model& model, const Scope& scope, const http::RequestHead& head,
             std::optional<std::string_view> body)
      : model_(model), scope_(scope), head_(head), body_(body) {}

  Result<Recognised> run(const UnderstandOptions& options) {
    TRY_VOID(check_markers(head_));
    const bool s3 = is_s3(scope_.service);
    TRY(out_.target, read_target(head_.target, s3 ? PathRules::kObjectKeys : PathRules::kPlain));
    if (s3) move_bucket(options);
    choose_candidates();
    if (!out_.target.service_hint.empty() && candidates_.empty()) {
      return fail(Code::kInvalid, "no service `{}` is signed for as `{}`",
                  printable(out_.target.service_hint, 64), scope_.service);
    }
    if (head_.headers.count(kProtocolHeader) > 0) return cbor();
    if (head_.headers.count(kTargetHeader) > 0) return json();
    const bool url_action = find_field(out_.target.query, "Action") != nullptr;
    const bool form = content_type(head_) == kFormType;
    const bool routed = !out_.target.segments.empty() && (speaks('r') || speaks('x'));
    if (!routed && (speaks('q') || speaks('e'))) {
      if (form || url_action) return query(url_action);
    }
    if (speaks('r') || speaks('x')) return rest();
    return std::move(out_);
  }

 private:
  void choose_candidates() {
    for (const std::uint32_t index : model_.find_scope(scope_.service)) {
      const Service& service = model_.services()[index];
      if (out_.target.service_hint.empty() || service.name == out_.target.service_hint) {
        candidates_.push_back(index);
      }
    }
    if (!candidates_.empty()) out_.service = &model_.services()[candidates_.front()];
  }

  void move_bucket(const UnderstandOptions& options) {
    Target& target = out_.target;
    out_.bucket_in_host =
        keyturn::aws::bucket_in_host(head_.headers.find("host").value_or(""), options.hosts);
    if (!out_.bucket_in_host.empty()) {
      target.segments.insert(target.segments.begin(), out_.bucket_in_host);
      target.path = "/" + out_.bucket_in_host + target.path;
    }
    // `/bucket/` is the bucket; below it a slash at the end belongs to the key.
    if (target.trailing_slash && target.segments.size() > 1) {
      target.segments.emplace_back();
      target.path += '/';
    }
    target.trailing_slash = false;
  }

  bool speaks(char protocol) const {
    return std::any_of(candidates_.begin(), candidates_.end(), [&](std::uint32_t index) {
      return model_.services()[index].speaks(protocol);
    });
  }

  Result<void> no_form_action() const {
    if (find_field(out_.target.query, "Action") != nullptr || content_type(head_) == kFormType) {
      return fail(Code::kInvalid, "the request has two protocol markers");
    }
    return {};
  }

  void take(const Service& service, std::string_view name) {
    const Operation* operation = model_.find_operation(service, name);
    if (operation == nullptr) return;
    if (out_.operation == nullptr) {
      out_.service = &service;
      out_.operation = operation;
    } else {
      out_.others.push_back(operation);
    }
  }

  Result<Recognised> cbor() {
    TRY_VOID(no_form_action());
    out_.protocol = Protocol::kCbor;
    const auto& segments = out_.target.segments;
    const bool shaped = segments.size() == 4 && segments[0] == "service" &&
                        segments[2] == "operation" && head_.method == "POST";
    if (head_.headers.find(kProtocolHeader) != "rpc-v2-cbor" || !shaped ||
        !out_.target.query.empty()) {
      return fail(Code::kInvalid, "the request is no rpc-v2-cbor request");
    }
    out_.name = segments[3];
    for (const std::uint32_t index : candidates_) {
      const Service& service = model_.services()[index];
      if (service.speaks('c') && service.target_prefix == segments[1]) take(service, segments[3]);
    }
    return std::move(out_);
  }

  Result<Recognised> json() {
    TRY_VOID(no_form_action());
    if (head_.method != "POST" || !out_.target.query.empty() || !out_.target.segments.empty()) {
      return fail(Code::kInvalid, "a request with x-amz-target is a POST to `/`");
    }
    const std::string_view target = *head_.headers.find(kTargetHeader);
    const std::size_t dot = target.rfind('.');
    const std::string_view prefix = target.substr(0, dot == target.npos ? 0 : dot);
    out_.name = target.substr(dot == target.npos ? 0 : dot + 1);
    out_.protocol = content_type(head_).ends_with("1.1") ? Protocol::kJson11 : Protocol::kJson10;
    for (const std::uint32_t index : candidates_) {
      const Service& service = model_.services()[index];
      if (service.speaks('j') && service.target_prefix == prefix) take(service, out_.name);
    }
    return std::move(out_);
  }

  Result<Recognised> query(bool url_action) {
    const std::string_view body = body_.value_or("");
    if (url_action && !body.empty()) {
      return fail(Code::kInvalid, "the action stands in the URL and there is a body too");
    }
    if (!url_action && !out_.target.query.empty()) {
      return fail(Code::kInvalid, "a form's parameters stand in the URL and in the body");
    }
    if (url_action) {
      // Read as a form, so that repeated names are refused in both places alike.
      TRY(out_.form, read_form(write_form(out_.target.query)));
    } else {
      TRY_VOID(check_coding(head_, body));
      if (head_.method != "POST") return fail(Code::kInvalid, "a form comes by POST");
      TRY(out_.form, read_form(body));
    }
    out_.protocol = speaks('e') ? Protocol::kEc2 : Protocol::kQuery;
    const std::string* action = find_field(out_.form, "Action");
    if (action == nullptr) return fail(Code::kInvalid, "the form names no Action");
    out_.name = *action;
    const std::string* version = find_field(out_.form, "Version");
    // A version tells services of one scope apart. One that nobody has is nobody's.
    for (const std::uint32_t index : candidates_) {
      const Service& service = model_.services()[index];
      if (!service.speaks('q') && !service.speaks('e')) continue;
      const bool alone = candidates_.size() == 1;
      const bool same = version != nullptr && *version == service.api_version;
      if (same || (version == nullptr && alone) || (alone && service.speaks('e'))) {
        take(service, *action);
      }
    }
    return std::move(out_);
  }

  Result<Recognised> rest() {
    const RouteMatch match = match_route(model_, scope_.service, candidates_, head_, out_.target);
    out_.operation = match.operation;
    out_.others = match.others;
    if (match.operation != nullptr) {
      out_.service = &model_.service_of(*match.operation);
      out_.name = match.operation->name;
    }
    out_.protocol = out_.service->speaks('x') ? Protocol::kRestXml : Protocol::kRestJson;
    return std::move(out_);
  }

  const Model& model_;
  const Scope& scope_;
  const http::RequestHead& head_;
  std::optional<std::string_view> body_;
  std::vector<std::uint32_t> candidates_;
  Recognised out_;
};

}  // namespace

Result<void> check_coding(const http::RequestHead& head, std::string_view body) {
  const std::string coding = to_lower(trim(head.headers.find("content-encoding").value_or("")));
  if (body.empty() || coding.empty() || coding == "identity" || coding == "aws-chunked") return {};
  return fail(Code::kInvalid,
              "a body with content-encoding `{}` is not read; set "
              "AWS_DISABLE_REQUEST_COMPRESSION=true",
              printable(coding, 32));
}

Result<Recognised> recognise(const Model& model, const Scope& scope, const http::RequestHead& head,
                             std::optional<std::string_view> body,
                             const UnderstandOptions& options) {
  return Recogniser(model, scope, head, body).run(options);
}

}  // namespace keyturn::aws
