#include "aws/discovered.h"

#include <algorithm>
#include <array>

#include "aws/xml.h"
#include "base/bytes.h"

namespace keyturn::aws {
namespace {

constexpr std::string_view kQueueUrlElement = "QueueUrl";

struct Discovering {
  std::string_view service;  // the model's name
  std::string_view operation;
  Discovery discovery;
};
constexpr std::array<Discovering, 8> kDiscovering = {{
    {"sqs", "CreateQueue", Discovery::kQueueUrls},
    {"sqs", "GetQueueUrl", Discovery::kQueueUrls},
    {"sqs", "ListQueues", Discovery::kQueueUrls},
    {"sqs", "ListDeadLetterSourceQueues", Discovery::kQueueUrls},
    {"dynamodb", "DescribeEndpoints", Discovery::kEndpoints},
    {"timestream-query", "DescribeEndpoints", Discovery::kEndpoints},
    {"timestream-write", "DescribeEndpoints", Discovery::kEndpoints},
    {"mediaconvert", "DescribeEndpoints", Discovery::kEndpoints},
}};

// `https://host:443/path` → the path's place; npos when it is no URL of the web.
std::size_t path_at(std::string_view url) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!url.starts_with(scheme) || url.size() == scheme.size()) continue;
    return std::min(url.find('/', scheme.size()), url.size());
  }
  return std::string_view::npos;
}

Result<std::string> at_gate(std::string_view url, std::string_view gate_url) {
  const std::size_t path = path_at(url);
  if (path == std::string_view::npos) return fail(Code::kInvalid, "it names what is no URL");
  return fmt::format("{}{}", gate_url, url.substr(path));
}

// Members that are not there are none of the answer's.
Result<void> rename_member(Json& object, std::string_view name, std::string_view gate_url) {
  const Json* url = object.find(name);
  if (url == nullptr || url->is_null()) return {};
  if (url->if_string() == nullptr) return fail(Code::kInvalid, "`{}` is no string", name);
  TRY(std::string there, at_gate(*url->if_string(), gate_url));
  object.set(name, std::move(there));
  return {};
}

Result<void> rename_queues(Json& answer, std::string_view gate_url) {
  TRY_VOID(rename_member(answer, kQueueUrlElement, gate_url));
  for (const std::string_view name : {"QueueUrls", "queueUrls"}) {
    const Json* list = answer.find(name);
    if (list == nullptr || list->is_null()) continue;
    if (!list->is_array()) return fail(Code::kInvalid, "`{}` is no list", name);
    Json there{Json::Array()};
    for (const Json& url : *list->if_array()) {
      if (url.if_string() == nullptr) return fail(Code::kInvalid, "`{}` holds no strings", name);
      TRY(std::string text, at_gate(*url.if_string(), gate_url));
      there.push_back(std::move(text));
    }
    answer.set(name, std::move(there));
  }
  return {};
}

// An `Address` has no scheme: clients put https before it, unless there is one.
std::string address_of(std::string_view gate_url) {
  constexpr std::string_view kSecure = "https://";
  return std::string(gate_url.starts_with(kSecure) ? gate_url.substr(kSecure.size()) : gate_url);
}

Result<void> rename_endpoints(Json& answer, std::string_view gate_url) {
  for (const std::string_view name : {"Endpoints", "endpoints"}) {
    const Json* list = answer.find(name);
    if (list == nullptr || list->is_null()) continue;
    if (!list->is_array()) return fail(Code::kInvalid, "`{}` is no list", name);
    Json there{Json::Array()};
    for (Json endpoint : *list->if_array()) {
      if (!endpoint.is_object()) return fail(Code::kInvalid, "`{}` holds no objects", name);
      if (endpoint.find("Address") != nullptr) endpoint.set("Address", address_of(gate_url));
      TRY_VOID(rename_member(endpoint, "Url", gate_url));
      TRY_VOID(rename_member(endpoint, "url", gate_url));
      there.push_back(std::move(endpoint));
    }
    answer.set(name, std::move(there));
  }
  return {};
}

Result<std::string> rename_in_json(Discovery discovery, std::string_view body,
                                   std::string_view gate_url) {
  TRY(Json answer, parse_strict(body));
  if (!answer.is_object()) return fail(Code::kInvalid, "it is no object");
  if (discovery == Discovery::kQueueUrls) {
    TRY_VOID(rename_queues(answer, gate_url));
  } else {
    TRY_VOID(rename_endpoints(answer, gate_url));
  }
  return to_text(answer);
}

// Of SQS's older protocol. read_xml() writes elements in one way, so that they can be found.
Result<std::string> rename_in_xml(std::string_view body, std::string_view gate_url) {
  TRY(const Xml read, read_xml(body));
  const std::string open = fmt::format("<{}", kQueueUrlElement);
  std::string text;
  std::string_view rest = read.encoded;
  while (true) {
    const std::size_t at = rest.find(open);
    text += rest.substr(0, at);
    if (at == std::string_view::npos) return text;
    rest.remove_prefix(at + open.size());
    text += open;
    if (!rest.starts_with('>')) {  // another element, or attributes, which SQS does not write
      if (rest.starts_with(' ')) return fail(Code::kInvalid, "`QueueUrl` has attributes");
      continue;
    }
    const std::size_t end = rest.find('<');
    TRY(const std::string there, at_gate(rest.substr(1, end - 1), gate_url));
    text += ">" + there;
    rest.remove_prefix(end);
  }
}

}  // namespace

Discovery discovery_of(const Action& action) {
  for (const Discovering& one : kDiscovering) {
    if (action.service == one.service && action.operation == one.operation) return one.discovery;
  }
  return Discovery::kNone;
}

Result<std::string> name_gate(Discovery discovery, const http::ResponseHead& head,
                              std::string_view body, std::string_view gate_url) {
  if (head.headers.count("content-encoding") > 0) return fail(Code::kInvalid, "it is compressed");
  const std::string_view type = head.headers.find("content-type").value_or("");
  const std::string kind = to_lower(trim(type.substr(0, type.find(';'))));
  if (kind == "application/json" || kind.starts_with("application/x-amz-json-1.")) {
    return rename_in_json(discovery, body, gate_url);
  }
  const bool xml = kind == "text/xml" || kind == "application/xml";
  if (xml && discovery == Discovery::kQueueUrls) return rename_in_xml(body, gate_url);
  return fail(Code::kInvalid, "it is `{}`", printable(kind, 64));
}

std::string queue_url_for_upstream(const std::string& url, const QueueHosts& hosts) {
  if (hosts.gate.empty() || !url.starts_with(hosts.gate)) return url;
  const std::string path = url.substr(hosts.gate.size());
  return path.starts_with('/') ? hosts.upstream + path : url;
}

}  // namespace keyturn::aws
