#include "aws/aws.h"
#include "aws/model.h"
#include "aws/template.h"
#include "aws/understand.h"

namespace keyturn::aws {
namespace {

// Far above what one incident's requests destroy.
constexpr std::size_t kDestroyedMax = 100'000;

struct Line {
  http::RequestHead head;
  std::string body;
  Scope scope;
  std::string access_key_id;
};

struct Credential {
  Scope scope;
  std::string access_key_id;
};

// AKID/20260101/eu-central-1/s3/aws4_request, percent-encoded in a presigned URL.
std::optional<Credential> read_credential(std::string_view credential) {
  std::array<std::string_view, 5> parts;
  std::size_t count = 0;
  while (count < parts.size()) {
    const std::size_t slash = credential.find('/');
    parts[count++] = credential.substr(0, slash);
    if (slash == std::string_view::npos) break;
    credential.remove_prefix(slash + 1);
  }
  if (count != parts.size() || parts[4] != "aws4_request") return std::nullopt;
  return Credential{{.service = std::string(parts[3]), .region = std::string(parts[2])},
                    std::string(parts[0])};
}

std::optional<Credential> find_credential(const http::RequestHead& head) {
  constexpr std::string_view kCredential = "Credential=";
  const std::string_view header = head.headers.find("authorization").value_or("");
  const std::size_t at = header.find(kCredential);
  if (at != std::string_view::npos) {
    const std::string_view rest = header.substr(at + kCredential.size());
    return read_credential(rest.substr(0, rest.find(',')));
  }
  constexpr std::string_view kParameter = "X-Amz-Credential=";
  const std::size_t in_query = head.target.find(kParameter);
  if (in_query == std::string::npos) return std::nullopt;
  const std::string_view rest = std::string_view(head.target).substr(in_query + kParameter.size());
  const auto decoded = percent_decode(rest.substr(0, rest.find('&')));
  return decoded ? read_credential(*decoded) : std::nullopt;
}

Result<Line> read_line(std::string_view text) {
  TRY(const Json json, parse_strict(text));
  Line line;
  TRY(line.head.method, json.get_string("method"));
  TRY(const std::string url, json.get_string("url"));
  if (const Json* headers = json.find("headers"); headers != nullptr) {
    const auto* fields = headers->if_object();
    if (fields == nullptr) return fail(Code::kInvalid, "`headers` is no object");
    for (const auto& [name, value] : *fields) {
      if (!value.is_string()) return fail(Code::kInvalid, "the header `{}` is no text", name);
      line.head.headers.add(name, *value.if_string());
    }
  }
  const std::size_t scheme = url.find("://");
  const std::size_t host = scheme == std::string::npos ? 0 : scheme + 3;
  const std::size_t slash = url.find_first_of("/?", host);
  if (host != 0 && line.head.headers.count("host") == 0) {
    line.head.headers.add("host", std::string_view(url).substr(host, slash - host));
  }
  if (slash != std::string::npos) line.head.target = url.substr(slash);
  if (!line.head.target.starts_with('/')) line.head.target.insert(0, "/");
  TRY(line.body, base64_decode(json.string_or("body_base64", "")));
  auto credential = find_credential(line.head);
  if (!credential) return fail(Code::kInvalid, "the request has no SigV4 credential scope");
  line.scope = std::move(credential->scope);
  line.access_key_id = std::move(credential->access_key_id);
  return line;
}

Json texts(const std::vector<std::string>& from) {
  Json::Array array;
  for (const std::string& text : from) array.emplace_back(printable(text, text.size() * 4));
  return array;
}

// What the request makes again: parts of its own template, or what came before it. Null for
// nothing.
Json recreations(const Action& action, const std::vector<Destroyed>& before) {
  Json::Array all;
  const Json* inside = action.attributes.find("recreate");
  if (inside != nullptr && inside->if_array() != nullptr) all = *inside->if_array();
  for (const std::string& pair : describe_recreations(action, before)) all.emplace_back(pair);
  return all.empty() ? Json(nullptr) : Json(std::move(all));
}

Result<std::string> explain_line(const Model& model, const Environments& environments,
                                 std::string_view account, std::string_view text,
                                 ExplainedSessions& sessions) {
  TRY(const Line line, read_line(text));
  const UnderstandOptions options{.account = std::string(account)};
  TRY(Understood understood, understand(model, line.scope, line.head, line.body, options));
  Action& action = understood.action;
  Json::Array names;
  Json::Array roles;
  const Resource* strictest = nullptr;
  for (Resource& resource : action.resources) {
    environments.assign(resource);
    const bool lent = action.service != "iam" &&
                      (resource.type == "iam:role" || resource.type == "iam:instance-profile");
    (lent ? roles : names).emplace_back(printable(resource.name, resource.name.size() * 4));
    if (strictest == nullptr || resource.tier < strictest->tier) strictest = &resource;
  }
  if (!action.understood) {
    return to_text(Json::object({{"error", action.why.empty() ? "unknown" : action.why.front()},
                                 {"service", action.service},
                                 {"effect", "destroy"}}));
  }
  const Json* reversible = action.attributes.find("reversible");
  Json again = recreations(action, sessions.before(line.access_key_id));
  sessions.add(line.access_key_id, action);
  return to_text(Json::object({
      {"service", action.service},
      {"operation", action.operation},
      {"protocol", to_string(understood.protocol)},
      {"region", action.region},
      {"iam_actions", texts(action.iam_actions)},
      {"access_level", action.access_level},
      {"effect", to_string(action.effect)},
      {"reversible", reversible == nullptr ? Json(false) : *reversible},
      {"recreate", std::move(again)},
      {"resources", std::move(names)},
      {"roles", std::move(roles)},  // lent to a service; resources for policy
      {"environment", strictest == nullptr ? std::string() : strictest->environment},
      {"why", texts(action.why)},
  }));
}

}  // namespace

const std::vector<Destroyed>& ExplainedSessions::before(const std::string& access_key_id) const {
  static const std::vector<Destroyed> kNothing;
  const auto found = by_key_.find(access_key_id);
  return found == by_key_.end() ? kNothing : found->second;
}

void ExplainedSessions::add(const std::string& access_key_id, const Action& action) {
  if (action.effect != Effect::kDestroy && action.effect != Effect::kGrant) return;
  for (const Resource& resource : action.resources) {
    if (resource.name == "*" || count_ == kDestroyedMax) continue;
    by_key_[access_key_id].push_back({action.service, action.operation, resource.name});
    ++count_;
  }
}

std::string explain(const Model& model, const Environments& environments, std::string_view account,
                    std::string_view line, ExplainedSessions& sessions) {
  const auto explained = explain_line(model, environments, account, line, sessions);
  if (explained) return *explained;
  const std::string& message = explained.error().message;
  return to_text(
      Json::object({{"error", printable(message, message.size() * 4)}, {"effect", "destroy"}}));
}

}  // namespace keyturn::aws
