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

Result<std::monostate> check_principal(const ActionType& action, const RequestContent& request) {
  const std::string_view principal = request.principal->type->view();
  if (action.principals.contains(principal)) return std::monostate();
  return fail(Code::kInvalid, "principal type `{}` is not valid for `{}`", principal,
              uid_text(action.uid));
}

Result<std::monostate> check_resource(const ActionType& action, const RequestContent& request) {
  const std::string_view resource = request.resource->type->view();
  if (action.resources.contains(resource)) return std::monostate();
  return fail(Code::kInvalid, "resource type `{}` is not valid for `{}`", resource,
              uid_text(action.uid));
}

}  // namespace

std::string EntityUid::text() const { return type + "::" + quote(id); }

namespace {

// What to check a request against: the context's type apart, because parts of it may be unknown.
struct Checks {
  const SchemaContent* schema = nullptr;
  const SchemaType* context = nullptr;
  RequestCheck check = RequestCheck::kFull;
  bool is_full() const { return schema != nullptr && check == RequestCheck::kFull; }
};

using Content = std::shared_ptr<const RequestContent>;

class RequestReader {
 public:
  RequestReader(const Request& request, const RequestParts& parts, const Checks& checks,
                JsonFault& fault)
      : request_(request), parts_(parts), checks_(checks), fault_(fault) {}

  Result<Content> run() {
    auto content = std::make_shared<RequestContent>();
    Pool& pool = content->pool;
    TRY(content->principal, at(parts_.principal, intern(pool, request_.principal, "principal")));
    TRY(content->action, at(parts_.action, intern(pool, request_.action, "action")));
    TRY(content->resource, at(parts_.resource, intern(pool, request_.resource, "resource")));
    if (checks_.is_full()) TRY_VOID(check_entities(*content));
    TRY(content->context, context(pool));
    return Content(std::move(content));
  }

 private:
  template <class T>
  Result<T> at(const Json* part, Result<T> result) {
    if (!result && part != nullptr) fault_.note(*part);
    return result;
  }

  Result<std::monostate> check_entities(const RequestContent& content) {
    const SchemaContent& schema = *checks_.schema;
    TRY_VOID(at(parts_.principal, check_entity(schema, *content.principal, "principal")));
    TRY_VOID(at(parts_.resource, check_entity(schema, *content.resource, "resource")));
    const ActionType* action = schema.find_action(request_.action);
    if (action == nullptr) {
      if (parts_.action != nullptr) fault_.note(*parts_.action);
      return fail(Code::kInvalid, "action `{}` does not exist in the supplied schema",
                  uid_text(request_.action));
    }
    TRY_VOID(at(parts_.principal, check_principal(*action, content)));
    return at(parts_.resource, check_resource(*action, content));
  }

  Result<const RecordValue*> context(Pool& pool) {
    const Json empty = Json(Json::Object());
    const Json& own = request_.context.is_null() ? empty : request_.context;
    const Json& given = parts_.context == nullptr ? own : *parts_.context;
    ValueReader reader(pool, fault_);
    Result<Value> read = reader.read(given, checks_.context, {"context"});
    if (!read) {
      // Only the pointer can be told of what was not read from a text.
      if (parts_.context == nullptr) read.error() = fault_.placed(read.error(), given, "");
      return fail(std::move(read.error()));
    }
    if (read->kind != Kind::kRecord) {
      fault_.note(given);
      return fail(Code::kInvalid, "the context must be a record, but got `{}`",
                  shown(to_text(*read)));
    }
    if (checks_.is_full()) TRY_VOID(check_context(given, *read));
    return read->record;
  }

  Result<std::monostate> check_context(const Json& given, const Value& context) {
    const auto refused = [&](Error error) {
      const Json* misfit = find_misfit(given, *checks_.context, *checks_.schema);
      fault_.note(misfit == nullptr ? given : *misfit);
      return fail(parts_.context == nullptr ? fault_.placed(std::move(error), given, "")
                                            : std::move(error));
    };
    if (!conforms(context, *checks_.context)) {
      return refused(
          {Code::kInvalid, fmt::format("context `{}` is not valid for `{}`",
                                       shown(to_text(context)), uid_text(request_.action))});
    }
    if (auto wrong = wrong_uid_in(*checks_.schema, context)) {
      return refused({Code::kInvalid, std::move(*wrong)});
    }
    return std::monostate();
  }

  const Request& request_;
  const RequestParts& parts_;
  const Checks& checks_;
  JsonFault& fault_;
};

const ActionType* find_action(const Request& request, const Schema* schema) {
  return schema == nullptr ? nullptr : Access::content(*schema).find_action(request.action);
}

}  // namespace

Result<PreparedRequest> prepare(const Request& request, const RequestParts& parts,
                                const Schema* schema, RequestCheck check, JsonFault& fault) {
  const ActionType* action = find_action(request, schema);
  const Checks checks{schema == nullptr ? nullptr : &Access::content(*schema),
                      action == nullptr ? nullptr : action->context, check};
  TRY(Content content, RequestReader(request, parts, checks, fault).run());
  return Access::request(std::move(content));
}

Result<PreparedRequest> PreparedRequest::make(const Request& request, const Schema* schema,
                                              RequestCheck check) {
  JsonFault fault;
  return prepare(request, {}, schema, check, fault);
}

Result<PreparedRequest> prepare_partial(const Request& request, const Schema* schema,
                                        const std::set<std::string, std::less<>>& unknown) {
  const ActionType* action = find_action(request, schema);
  SchemaType known;
  if (action != nullptr) {
    known = *action->context;
    for (const std::string& name : unknown) known.attributes.erase(name);
  }
  const Checks checks{schema == nullptr ? nullptr : &Access::content(*schema),
                      action == nullptr ? nullptr : &known, RequestCheck::kFull};
  JsonFault fault;
  const RequestParts parts;
  TRY(Content content, RequestReader(request, parts, checks, fault).run());
  return Access::request(std::move(content));
}

PreparedRequest::~PreparedRequest() = default;

}  // namespace keyturn::cedar
