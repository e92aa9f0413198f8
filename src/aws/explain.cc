#include "aws/aws.h"
#include "aws/model.h"
#include "aws/understand.h"

namespace keyturn::aws {
namespace {

struct Line {
  http::RequestHead head;
  std::string body;
  Scope scope;
};

// AKID/20260101/eu-central-1/s3/aws4_request, percent-encoded in a presigned URL.
std::optional<Scope> scope_of_credential(std::string_view credential) {
  std::array<std::string_view, 5> parts;
  std::size_t count = 0;
  while (count < parts.size()) {
    const std::size_t slash = credential.find('/');
    parts[count++] = credential.substr(0, slash);
    if (slash == std::string_view::npos) break;
    credential.remove_prefix(slash + 1);
  }
  if (count != parts.size() || parts[4] != "aws4_request") return std::nullopt;
  return Scope{.service = std::string(parts[3]), .region = std::string(parts[2])};
}

std::optional<Scope> find_scope(const http::RequestHead& head) {
  constexpr std::string_view kCredential = "Credential=";
  const std::string_view header = head.headers.find("authorization").value_or("");
  const std::size_t at = header.find(kCredential);
  if (at != std::string_view::npos) {
    const std::string_view rest = header.substr(at + kCredential.size());
    return scope_of_credential(rest.substr(0, rest.find(',')));
  }
  constexpr std::string_view kParameter = "X-Amz-Credential=";
  const std::size_t in_query = head.target.find(kParameter);
  if (in_query == std::string::npos) return std::nullopt;
  const std::string_view rest = std::string_view(head.target).substr(in_query + kParameter.size());
  const auto decoded = percent_decode(rest.substr(0, rest.find('&')));
  return decoded ? scope_of_credential(*decoded) : std::nullopt;
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
  const auto scope = find_scope(line.head);
  if (!scope) return fail(Code::kInvalid, "the request has no SigV4 credential scope");
  line.scope = *scope;
  return line;
}

Json texts(const std::vector<std::string>& from) {
  Json::Array array;
  for (const std::string& text : from) array.emplace_back(printable(text, text.size() * 4));
  return array;
}

Result<std::string> explain_line(const Model& model, const Environments& environments,
                                 std::string_view account, std::string_view text) {
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
  return to_text(Json::object({
      {"service", action.service},
      {"operation", action.operation},
      {"protocol", to_string(understood.protocol)},
      {"region", action.region},
      {"iam_actions", texts(action.iam_actions)},
      {"access_level", action.access_level},
      {"effect", to_string(action.effect)},
      {"reversible", reversible == nullptr ? Json(false) : *reversible},
      // Only a session's earlier requests, or a template's parts, can tell.
      {"recreate", nullptr},
      {"resources", std::move(names)},
      {"roles", std::move(roles)},  // lent to a service; resources for policy
      {"environment", strictest == nullptr ? std::string() : strictest->environment},
      {"why", texts(action.why)},
  }));
}

}  // namespace

std::string explain(const Model& model, const Environments& environments, std::string_view account,
                    std::string_view line) {
  const auto explained = explain_line(model, environments, account, line);
  if (explained) return *explained;
  const std::string& message = explained.error().message;
  return to_text(
      Json::object({{"error", printable(message, message.size() * 4)}, {"effect", "destroy"}}));
}

}  // namespace keyturn::aws
