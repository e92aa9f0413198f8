#include "aws/understand.h"

#include <algorithm>
#include <set>

#include "aws/deployed.h"
#include "aws/effect.h"
#include "aws/made.h"
#include "aws/partiql.h"
#include "aws/sigv4.h"
#include "aws/understand_parts.h"
#include "crypto/crypto.h"

namespace keyturn::aws {
namespace {

constexpr std::size_t kScopeBytesMax = 64;

Place place_of(const Model& model, const Scope& scope, const UnderstandOptions& options) {
  return {.partition = std::string(model.partition_of(scope.region).value_or(options.partition)),
          .region = scope.region,
          .account = options.account};
}

QueueHosts queue_hosts(const Model& model, const Recognised& recognised, const Scope& scope,
                       const UnderstandOptions& options) {
  const bool sqs = recognised.service != nullptr && recognised.service->name == "sqs";
  if (!sqs || options.gate_url.empty()) return {};
  Forward forward;
  forward.service = recognised.service->name;
  forward.region = scope.region;
  Upstreams aws;
  aws.partition = options.partition;
  const auto origin = upstream_origin(model, forward, aws);
  if (!origin) return {};  // and then it goes nowhere
  return {.gate = options.gate_url,
          .upstream = fmt::format("{}://{}", origin->scheme, origin->host)};
}

bool is_plain_name(std::string_view text) {
  return !text.empty() && text.size() <= kScopeBytesMax &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_' || c == '.';
         });
}

// Global services are signed for one region of their partition, whatever the client is set to.
std::string signing_region(const Service& service, const Place& place) {
  for (const HostRule& rule : service.hosts) {
    if (rule.partition != place.partition) continue;
    std::string_view region = rule.signing_region;
    for_each_piece(rule.exceptions, ';', [&](std::string_view exception) {
      const std::size_t equals = exception.find('=');
      if (exception.substr(0, equals) != place.region) return;
      const std::size_t comma = exception.find(',', equals);
      region = comma == exception.npos ? std::string_view() : exception.substr(comma + 1);
    });
    if (!region.empty()) return std::string(region);
  }
  return place.region;
}

std::vector<std::string> iam_actions_of(const Service& service, const Operation& operation) {
  std::vector<std::string> actions;
  if (operation.iam_actions.empty()) {
    return {fmt::format("{}:{}", service.iam_prefix, operation.name)};
  }
  for_each_piece(operation.iam_actions, ',', [&](std::string_view action) {
    if (action != "-") actions.emplace_back(action);
  });
  return actions;
}

// `{AccountId}.` with the label's value, which must not name another host.
Result<std::string> fill_host_prefix(const Operation& operation, const Input& input) {
  std::string prefix;
  std::string_view rest = operation.host_prefix;
  while (!rest.empty()) {
    const std::size_t open = rest.find('{');
    prefix += rest.substr(0, open);
    if (open == rest.npos) return prefix;
    const std::size_t close = rest.find('}', open);
    if (close == rest.npos) return fail(Code::kInternal, "the model's host prefix is broken");
    const std::string_view path = rest.substr(open + 1, close - open - 1);
    const auto found = input.at(path);
    const auto value = found.size() == 1 ? text_of(*found.front()) : std::nullopt;
    const bool label = value && !value->empty() && value->size() <= 63 &&
                       to_lower(*value).find_first_not_of(
                           "abcdefghijklmnopqrstuvwxyz0123456789-") == std::string::npos;
    if (!label) {
      return fail(Code::kInvalid, "`{}` must be given: the host's name begins with it", path);
    }
    prefix += *value;
    rest.remove_prefix(close + 1);
  }
  return prefix;
}

// A key value store of CloudFront is found at a host of the account in its ARN.
Result<std::string> account_prefix(const Input& input) {
  const auto found = input.at("u.KvsARN");
  const auto arn = found.size() == 1 ? text_of(*found.front()) : std::nullopt;
  if (arn) {
    std::size_t number = 0;
    std::string_view account;  // arn:aws:cloudfront::123456789012:key-value-store/…
    for_each_piece(*arn, ':', [&](std::string_view piece) {
      if (number++ == 4) account = piece;
    });
    const bool digits =
        account.size() == 12 && account.find_first_not_of("0123456789") == std::string_view::npos;
    if (digits) return fmt::format("{}.", account);
  }
  return fail(Code::kInvalid, "`KvsARN` must name the account: the host's name begins with it");
}

// Cloud Control names what it acts on by type and identifier.
void bind_by_type(const Operation& operation, const Input& input, const Place& place,
                  Bound& bound) {
  const auto made = made_by_cloud_control(operation.name, input);
  const auto arn = made ? arn_of_made(*made, place) : std::nullopt;
  if (!arn) return;
  bound = {.resources = {resource_of_arn(*arn, "")}, .why = {}};
}

// Statements name their tables themselves. One that does not say which is any.
void bind_statements(const Operation& operation, const Input& input, const Place& place,
                     Bound& bound) {
  const auto statements = partiql_of(operation.name, input);
  if (!statements || statements->empty()) return;
  std::set<std::string> arns;
  for (const std::string* statement : *statements) {
    const auto target = statement != nullptr ? target_of_partiql(*statement) : std::nullopt;
    if (!target) return;
    arns.insert(fmt::format("arn:{}:dynamodb:{}:{}:{}", place.partition, place.region,
                            place.account, *target));
  }
  if (arns.size() > kResourcesMax) return;
  bound.resources.clear();
  for (const std::string& arn : arns) {
    const bool index = arn.find("/index/") != std::string::npos;
    bound.resources.push_back(resource_of_arn(arn, index ? "dynamodb:index" : "dynamodb:table"));
  }
}

void judge(const Model& model, const Recognised& recognised, const Members& members,
           const Place& place, const Deployed* deployed, Action& action) {
  const Operation& operation = *recognised.operation;
  Judged judged = judge_effect(model, operation, members.input, place, deployed);
  Bound bound = bind_resources(model, operation, members.input, place);
  if (recognised.service->name == "cloudcontrol")
    bind_by_type(operation, members.input, place, bound);
  if (recognised.service->name == "dynamodb")
    bind_statements(operation, members.input, place, bound);
  for (const Operation* other : recognised.others) {
    const Service& service = model.service_of(*other);
    const Judged theirs = judge_effect(model, *other, members.input, place, nullptr);
    if (stricter(judged.effect, theirs.effect) != judged.effect) judged.effect = theirs.effect;
    judged.reversible = judged.reversible && theirs.reversible;
    if (other->name != operation.name) {
      bound.resources.push_back(any_resource(place));
      judged.why.push_back(fmt::format("it may also be {} of {}: the stricter of both counts",
                                       other->name, service.name));
    }
  }
  action.understood = true;
  action.operation = operation.name;
  action.iam_actions = iam_actions_of(*recognised.service, operation);
  action.access_level = operation.level;
  action.effect = judged.effect;
  action.resources = std::move(bound.resources);
  for (Resource& role : judged.lent) {
    if (action.resources.size() >= kResourcesMax) {
      action.resources.push_back(any_resource(place));  // the rest may be anything
      break;
    }
    const auto same = std::find_if(action.resources.begin(), action.resources.end(),
                                   [&](const Resource& other) { return other.name == role.name; });
    if (same == action.resources.end()) action.resources.push_back(std::move(role));
  }
  action.attributes = std::move(judged.attributes);
  action.attributes.set("reversible", judged.reversible);
  action.why = std::move(judged.why);
  for (std::string& why : bound.why) action.why.push_back(std::move(why));
}

void give_up(Action& action, const Place& place, std::string why) {
  action.understood = false;
  action.operation.clear();
  action.effect = Effect::kDestroy;
  action.resources = {any_resource(place)};
  action.attributes = Json::object({{"reversible", false}});
  action.why = {std::move(why)};
}

// What the operation does with a member that the model does not know cannot be said.
void distrust(Action& action, const Place& place, std::string_view member) {
  action.effect = Effect::kDestroy;
  action.resources = {any_resource(place)};
  action.attributes.set("reversible", false);
  action.why.push_back(
      fmt::format("the model does not know the parameter `{}` of {}:{}; a newer one may "
                  "(`--aws-model`)",
                  printable(member, 64), action.service, action.operation));
}

}  // namespace

std::string_view to_string(Protocol protocol) {
  switch (protocol) {
    case Protocol::kUnknown:
      return "unknown";
    case Protocol::kJson10:
      return "json-1.0";
    case Protocol::kJson11:
      return "json-1.1";
    case Protocol::kQuery:
      return "query";
    case Protocol::kEc2:
      return "ec2";
    case Protocol::kRestJson:
      return "rest-json";
    case Protocol::kRestXml:
      return "rest-xml";
    case Protocol::kCbor:
      return "rpc-v2-cbor";
  }
  return "unknown";
}

bool wants_body(const Model& model, const Scope& scope, const http::RequestHead& head,
                const UnderstandOptions& options) {
  if (!is_s3(scope.service)) return true;
  const auto hoisted = without_hoisted(head);
  if (!hoisted) return true;
  const auto recognised =
      recognise(model, scope, *hoisted ? **hoisted : head, std::nullopt, options);
  if (!recognised || recognised->operation == nullptr) return true;
  return !recognised->operation->has(Trait::kStreamingBody);
}

Result<Understood> understand(const Model& model, const Scope& scope, const http::RequestHead& sent,
                              std::optional<std::string_view> body,
                              const UnderstandOptions& options, const Deployed* deployed) {
  if (!is_plain_name(scope.service) || !is_plain_name(scope.region)) {
    return fail(Code::kInvalid, "the credential scope names no service and region");
  }
  std::optional<http::RequestHead> hoisted;
  if (is_s3(scope.service)) {
    TRY(hoisted, without_hoisted(sent));
  }
  const http::RequestHead& head = hoisted ? *hoisted : sent;
  TRY(const Recognised recognised, recognise(model, scope, head, body, options));
  TRY(Members members,
      read_members(recognised, head, body, queue_hosts(model, recognised, scope, options)));
  TRY_VOID(check_queue_path(recognised, members.input.body));
  const Place place = place_of(model, scope, options);

  Understood out;
  out.protocol = recognised.protocol;
  Action& action = out.action;
  action.door = "aws";
  action.account = options.account;
  action.region = scope.region;
  action.service = recognised.service == nullptr ? scope.service : recognised.service->name;
  if (recognised.service != nullptr) out.model_service = recognised.service->name;

  Forward& forward = out.forward;
  forward.service = action.service;
  forward.signing_name = scope.service;
  forward.region = scope.region;
  forward.method = recognised.form.empty() ? head.method : "POST";
  forward.target = write_path(recognised.target.segments, recognised.target.trailing_slash);
  if (recognised.form.empty()) forward.target += write_query(recognised.target.query);
  TRY(forward.headers, forward_headers(recognised, head));
  if (!members.content_type.empty()) forward.headers.set("content-type", members.content_type);
  forward.body = std::move(members.body);

  if (recognised.operation == nullptr) {
    give_up(
        action, place,
        recognised.service == nullptr
            ? fmt::format("no service is signed for as `{}`", scope.service)
            : fmt::format("{} has no such operation as far as the model knows", action.service));
  } else {
    forward.region = signing_region(*recognised.service, place);
    TRY(forward.host_prefix, fill_host_prefix(*recognised.operation, members.input));
    if (signed_with(forward.service) == SignedWith::kV4a) {
      TRY(forward.host_prefix, account_prefix(members.input));
    }
    judge(model, recognised, members, place, deployed, action);
    const auto strange = find_unknown_member(*recognised.operation, members.input.body);
    if (strange) distrust(action, place, *strange);
    out.wanted = wanted_of(out.model_service, *recognised.operation, members.input);
    const auto unknown =
        is_s3(scope.service) ? find_unknown_part(recognised, forward.headers) : std::nullopt;
    if (unknown) {
      give_up(action, place,
              fmt::format("{} of S3 does not know `{}`", recognised.name, printable(*unknown, 64)));
    }
  }
  action.parameters = shown_parameters(recognised.operation, std::move(members.input));
  action.canonical_request =
      write_canonical_request(action, recognised, forward, members.canonical_body);
  // What reviewers agree to is the update of this stack as it is now.
  if (const Json* changes = action.attributes.find("template_changes")) {
    action.canonical_request +=
        fmt::format("\nchanges-sha256:{}", crypto::sha256(to_text(*changes)).hex());
  }
  action.digest = crypto::sha256(action.canonical_request);
  return out;
}

}  // namespace keyturn::aws
