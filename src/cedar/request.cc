#include "cedar/request.h"

#include "cedar/access.h"
#include "cedar/escape.h"
#include "cedar/source.h"
#include "cedar/value_json.h"

namespace keyturn::cedar {
namespace {

std::string uid_text(const EntityUid& uid) { return uid.text(); }

Result<const Uid*> intern(Pool& pool, const EntityUid& uid, std::string_view role) {
  if (!is_name(uid.type)) {
    return fail(Code::kInvalid, "the {}'s type `{}` is not a valid entity type name", role,
                uid.type);
  }
  return pool.uid(uid.type, uid.id);
}

Result<std::monostate> check_entity(const SchemaContent& schema, const Uid& uid,
                                    std::string_view role) {
  const std::string_view type = uid.type->view();
  if (!schema.knows_type(type)) {
    return fail(Code::kInvalid, "{} type `{}` is not declared in the schema", role, type);
  }
  if (const auto wrong = wrong_uid(schema, uid)) return fail(Code::kInvalid, "{}", *wrong);
  return std::monostate();
}

Result<std::monostate> check_applies(const ActionType& action, const RequestContent& request) {
  const std::string_view principal = request.principal->type->view();
  if (!action.principals.contains(principal)) {
    return fail(Code::kInvalid, "principal type `{}` is not valid for `{}`", principal,
                uid_text(action.uid));
  }
  const std::string_view resource = request.resource->type->view();
  if (!action.resources.contains(resource)) {
    return fail(Code::kInvalid, "resource type `{}` is not valid for `{}`", resource,
                uid_text(action.uid));
  }
  return std::monostate();
}

}  // namespace

std::string EntityUid::text() const { return type + "::" + quote(id); }

namespace {

// What to check a request against: the context's type apart, because parts of it may be unknown.
struct Checks {
  const SchemaContent* schema = nullptr;
  const SchemaType* context = nullptr;
  RequestCheck check = RequestCheck::kFull;
};

Result<std::shared_ptr<const RequestContent>> read_request(const Request& request,
                                                           const Checks& checks) {
  auto content = std::make_shared<RequestContent>();
  TRY(content->principal, intern(content->pool, request.principal, "principal"));
  TRY(content->action, intern(content->pool, request.action, "action"));
  TRY(content->resource, intern(content->pool, request.resource, "resource"));
  const bool is_full = checks.schema != nullptr && checks.check == RequestCheck::kFull;
  if (is_full) {
    TRY_VOID(check_entity(*checks.schema, *content->principal, "principal"));
    TRY_VOID(check_entity(*checks.schema, *content->resource, "resource"));
    const ActionType* action = checks.schema->find_action(request.action);
    if (action == nullptr) {
      return fail(Code::kInvalid, "action `{}` does not exist in the supplied schema",
                  uid_text(request.action));
    }
    TRY_VOID(check_applies(*action, *content));
  }
  JsonFault fault;
  ValueReader reader(content->pool, fault);
  const Json empty = Json(Json::Object());
  const Json& given = request.context.is_null() ? empty : request.context;
  Result<Value> read = reader.read(given, checks.context, {"context"});
  if (!read) return fail(fault.placed(std::move(read.error()), given, ""));
  const Value context = *read;
  if (context.kind != Kind::kRecord) {
    return fail(Code::kInvalid, "the context must be a record, but got `{}`",
                shown(to_text(context)));
  }
  if (is_full) {
    if (!conforms(context, *checks.context)) {
      return fail(Code::kInvalid, "context `{}` is not valid for `{}`", shown(to_text(context)),
                  uid_text(request.action));
    }
    if (const auto wrong = wrong_uid_in(*checks.schema, context)) {
      return fail(Code::kInvalid, "{}", *wrong);
    }
  }
  content->context = context.record;
  return content;
}

const ActionType* find_action(const Request& request, const Schema* schema) {
  return schema == nullptr ? nullptr : Access::content(*schema).find_action(request.action);
}

}  // namespace

Result<PreparedRequest> PreparedRequest::make(const Request& request, const Schema* schema,
                                              RequestCheck check) {
  const ActionType* action = find_action(request, schema);
  Checks checks{schema == nullptr ? nullptr : &Access::content(*schema),
                action == nullptr ? nullptr : action->context, check};
  TRY(std::shared_ptr<const Content> content, read_request(request, checks));
  return PreparedRequest(std::move(content));
}

Result<PreparedRequest> prepare_partial(const Request& request, const Schema* schema,
                                        const std::set<std::string, std::less<>>& unknown) {
  const ActionType* action = find_action(request, schema);
  SchemaType known;
  if (action != nullptr) {
    known = *action->context;
    for (const std::string& name : unknown) known.attributes.erase(name);
  }
  Checks checks{schema == nullptr ? nullptr : &Access::content(*schema),
                action == nullptr ? nullptr : &known, RequestCheck::kFull};
  TRY(std::shared_ptr<const RequestContent> content, read_request(request, checks));
  return Access::request(std::move(content));
}

PreparedRequest::~PreparedRequest() = default;

}  // namespace keyturn::cedar
