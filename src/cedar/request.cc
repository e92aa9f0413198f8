#include "cedar/request.h"

#include "cedar/access.h"
#include "cedar/escape.h"
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

Result<PreparedRequest> PreparedRequest::make(const Request& request, const Schema* schema,
                                              RequestCheck check) {
  auto content = std::make_shared<Content>();
  TRY(content->principal, intern(content->pool, request.principal, "principal"));
  TRY(content->action, intern(content->pool, request.action, "action"));
  TRY(content->resource, intern(content->pool, request.resource, "resource"));
  const SchemaContent* types = schema == nullptr ? nullptr : &Access::content(*schema);
  const ActionType* action = types == nullptr ? nullptr : types->find_action(request.action);
  const bool is_full = types != nullptr && check == RequestCheck::kFull;
  if (is_full) {
    TRY_VOID(check_entity(*types, *content->principal, "principal"));
    TRY_VOID(check_entity(*types, *content->resource, "resource"));
    if (action == nullptr) {
      return fail(Code::kInvalid, "action `{}` does not exist in the supplied schema",
                  uid_text(request.action));
    }
    TRY_VOID(check_applies(*action, *content));
  }
  const SchemaType* expected = action == nullptr ? nullptr : action->context;
  ValueReader reader(content->pool);
  const Json empty = Json(Json::Object());
  TRY(const Value context,
      reader.read(request.context.is_null() ? empty : request.context, expected, "context"));
  if (context.kind != Kind::kRecord) {
    return fail(Code::kInvalid, "the context must be a record, but got `{}`", to_text(context));
  }
  if (is_full) {
    if (!conforms(context, *expected)) {
      return fail(Code::kInvalid, "context `{}` is not valid for `{}`", to_text(context),
                  uid_text(request.action));
    }
    if (const auto wrong = wrong_uid_in(*types, context)) return fail(Code::kInvalid, "{}", *wrong);
  }
  content->context = context.record;
  return PreparedRequest(std::shared_ptr<const Content>(std::move(content)));
}

PreparedRequest::~PreparedRequest() = default;

}  // namespace keyturn::cedar
