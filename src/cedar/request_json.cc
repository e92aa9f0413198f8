#include "cedar/request_json.h"

#include <algorithm>
#include <array>

#include "cedar/limits.h"
#include "cedar/request.h"
#include "cedar/source.h"

namespace keyturn::cedar {
namespace {

constexpr std::array<std::string_view, 4> kMembers = {"principal", "action", "resource", "context"};

class RequestFile {
 public:
  RequestFile(const Json& json, std::string_view text) : json_(json), text_(text) {}

  Result<PreparedRequest> run(const Schema* schema) {
    Result<PreparedRequest> request = read(schema);
    if (request) return request;
    return fail(fault_.placed(std::move(request.error()), json_, text_));
  }

 private:
  Result<PreparedRequest> read(const Schema* schema) {
    const Json::Object* members = json_.if_object();
    if (members == nullptr) {
      fault_.note(json_);
      return fail(Code::kInvalid, "a request must be an object");
    }
    for (const auto& [key, value] : *members) {
      if (std::find(kMembers.begin(), kMembers.end(), key) != kMembers.end()) continue;
      fault_.note(value);
      return fail(Code::kInvalid,
                  "unknown member `{}`; a request has principal, action, resource and context",
                  shown(key));
    }
    Request request;
    TRY(request.principal, uid("principal"));
    TRY(request.action, uid("action"));
    TRY(request.resource, uid("resource"));
    const RequestParts parts{json_.find("principal"), json_.find("action"), json_.find("resource"),
                             json_.find("context")};
    return prepare(request, parts, schema, RequestCheck::kFull, fault_);
  }

  Result<EntityUid> uid(std::string_view key) {
    const Json* given = json_.find(key);
    if (given == nullptr) {
      fault_.note(json_);
      return fail(Code::kInvalid, "the request has no `{}`", key);
    }
    if (const std::string* text = given->if_string()) {
      Result<EntityUid> parsed = EntityUid::parse(*text);
      if (parsed) return parsed;
      // Its place is within the string, and the string's is told before it.
      return context(std::move(parsed),
                     fmt::format("`{}`, in the string at {}", key, place_of(*given, json_, text_)));
    }
    const Json* inner = given->find("__entity");
    if (inner == nullptr) inner = given;
    TRY(std::string type, part(*inner, "type", key));
    TRY(std::string id, part(*inner, "id", key));
    return EntityUid{std::move(type), std::move(id)};
  }

  Result<std::string> part(const Json& json, std::string_view name, std::string_view key) {
    return fault_.at_member(json, name, context(json.get_string(name), fmt::format("`{}`", key)));
  }

  const Json& json_;
  const std::string_view text_;
  JsonFault fault_;
};

}  // namespace

Result<PreparedRequest> parse_request_json(std::string_view text, const Schema* schema) {
  TRY_VOID(check_text(text));
  TRY(const Json json, parse_strict(text, kValueJsonLimits));
  return RequestFile(json, text).run(schema);
}

Result<PreparedRequest> prepare_request(const Request& request, std::string_view context,
                                        const Schema* schema) {
  TRY_VOID(check_text(context));
  TRY(const Json json, parse_strict(context, kValueJsonLimits));
  JsonFault fault;
  RequestParts parts;
  parts.context = &json;
  Result<PreparedRequest> prepared = prepare(request, parts, schema, RequestCheck::kFull, fault);
  if (prepared) return prepared;
  return fail(fault.placed(std::move(prepared.error()), json, context));
}

}  // namespace keyturn::cedar
