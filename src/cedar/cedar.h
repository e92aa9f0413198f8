// The Cedar policy language (pinned to Cedar 4.12, language 4.5): parse, validate, authorise,
// explain. Pure: knows nothing of Keyturn, links only base. PolicySet, Schema and Entities are
// immutable once built and may be shared between threads. Errors carry line and column.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace keyturn::cedar {

struct SchemaContent;
struct PolicySetContent;
struct EntitiesContent;
struct RequestContent;

// `Type::"id"`; the type may be namespaced with `::`.
struct EntityUid {
  std::string type;
  std::string id;
  // kInvalid with a caret line unless `text` is an entity as policies write it.
  static Result<EntityUid> parse(std::string_view text);
  std::string text() const;  // as written in policies, with escapes
  friend auto operator<=>(const EntityUid&, const EntityUid&) = default;
};

class Schema {
 public:
  // Cedar schema syntax (RFC 24).
  static Result<Schema> parse(std::string_view text);
  static Result<Schema> parse_json(std::string_view text);
  Schema(const Schema&) = default;  // shares the immutable content
  Schema& operator=(const Schema&) = default;
  // The same schema in either syntax. kInvalid when the Cedar syntax cannot say it.
  Json json() const;
  Result<std::string> text() const;
  ~Schema();

 private:
  friend class Access;
  using Content = SchemaContent;
  explicit Schema(std::shared_ptr<const Content> content) : content_(std::move(content)) {}
  std::shared_ptr<const Content> content_;
};

struct SlotValues {
  std::optional<EntityUid> principal;
  std::optional<EntityUid> resource;
};

struct Annotation {
  std::string key;
  std::string value;
};

class PolicySet {
 public:
  // Ids are `policy0`, `policy1`, … by position. Errors: kInvalid with a caret line; kExhausted.
  static Result<PolicySet> parse(std::string_view text);
  // {"staticPolicies":{…},"templates":{…},"templateLinks":[…]}, policies in Cedar's JSON format.
  static Result<PolicySet> parse_json(std::string_view text);
  static Result<PolicySet> from_json(const Json& json);
  PolicySet();
  PolicySet(const PolicySet&) = default;
  PolicySet& operator=(const PolicySet&) = default;
  ~PolicySet();

  // A set with one more policy: the template with its slots filled. kNotFound, kConflict, kInvalid.
  Result<PolicySet> linked(std::string_view template_id, std::string_view id,
                           const SlotValues& values) const;
  // A set with the policies of both; `prefix` is put before the added ids. kConflict on equal ids.
  Result<PolicySet> merged_with(const PolicySet& other, std::string_view prefix) const;
  std::vector<std::string> ids() const;
  std::vector<std::string> template_ids() const;
  // The id of the policy at a position, as Outcome names policies.
  std::string_view id_at(std::size_t position) const;
  std::vector<Annotation> annotations(std::string_view id) const;
  // The policy's source text; for one read from JSON, or linked, as it would be written.
  std::optional<std::string> text(std::string_view id) const;
  // Every policy and template printed anew, one after the other; reads back to the same policies.
  std::string print() const;
  // kInvalid when a literal record has a key that is an escape of the format; kNotFound.
  Result<Json> json() const;
  Result<Json> policy_json(std::string_view id) const;

 private:
  friend class Access;
  using Content = PolicySetContent;
  explicit PolicySet(std::shared_ptr<const Content> content) : content_(std::move(content)) {}
  std::shared_ptr<const Content> content_;
};

// A set, or a single policy or template as a set of one with the id `policy0`.
Result<PolicySet> parse_policies_json(std::string_view text);

struct Diagnostic {
  std::string policy;  // its id
  std::string message;
  std::string help = {};  // of the validator, where the way out is known
};

enum class ValidationMode { kStrict, kPermissive };
struct ValidationResult {
  std::vector<Diagnostic> errors;
  std::vector<Diagnostic> warnings;
};
// Warnings include text that can be mistaken for other text: mixed scripts, turned directions.
ValidationResult validate(const PolicySet& policies, const Schema& schema, ValidationMode mode);

// Where later Cedar differs: 4.13 only warns when no action fits a policy's scope.
enum class Behaviour { kCedar412, kCedar413 };
struct ValidationOptions {
  ValidationMode mode = ValidationMode::kStrict;
  Behaviour behaviour = Behaviour::kCedar412;
  // The most entity dereferences in a row that a policy may need (RFC 76); no limit when empty.
  std::optional<unsigned> level_max;
};
ValidationResult validate(const PolicySet& policies, const Schema& schema,
                          const ValidationOptions& options);

// The entity store of a request.
class Entities {
 public:
  // The JSON entity format: [{"uid":…,"attrs":…,"parents":…,"tags":…}]. With a schema, attributes
  // are read by it and must conform.
  static Result<Entities> parse_json(std::string_view text, const Schema* schema = nullptr);
  static Result<Entities> from_json(const Json& value, const Schema* schema = nullptr);
  Entities();
  Entities(const Entities&) = default;
  Entities& operator=(const Entities&) = default;
  ~Entities();

 private:
  friend class Access;
  using Content = EntitiesContent;
  explicit Entities(std::shared_ptr<const Content> content) : content_(std::move(content)) {}
  std::shared_ptr<const Content> content_;
};

struct Request {
  EntityUid principal;
  EntityUid action;
  EntityUid resource;
  Json context;  // a record in the JSON value format (`__entity`, `__extn`)
};

enum class Decision { kAllow, kDeny };
struct Response {
  Decision decision = Decision::kDeny;
  std::vector<std::string> reasons;  // ids of the determining policies, sorted
  std::vector<Diagnostic> errors;    // policies that were skipped because they failed
};

// kInvalid when the request does not conform to `schema` (when given) or its context is malformed.
Result<Response> authorize(const PolicySet& policies, const Entities& entities,
                           const Request& request, const Schema* schema = nullptr);

enum class RequestCheck {
  kFull,         // the request must conform to the schema
  kContextOnly,  // the schema only tells how to read the context
};

// A request read once, for deciding fast and often. Immutable; may be shared between threads.
class PreparedRequest {
 public:
  static Result<PreparedRequest> make(const Request& request, const Schema* schema = nullptr,
                                      RequestCheck check = RequestCheck::kFull);
  PreparedRequest(const PreparedRequest&) = default;
  PreparedRequest& operator=(const PreparedRequest&) = default;
  ~PreparedRequest();

 private:
  friend class Access;
  using Content = RequestContent;
  explicit PreparedRequest(std::shared_ptr<const Content> content) : content_(std::move(content)) {}
  std::shared_ptr<const Content> content_;
};

Response authorize(const PolicySet& policies, const Entities& entities,
                   const PreparedRequest& request);

// A decision by positions in the policy set (PolicySet::id_at), in no order. Reused between
// decisions it keeps its room, so that deciding does not allocate.
struct Outcome {
  Decision decision = Decision::kDeny;
  std::vector<std::uint32_t> reasons;
  std::vector<std::uint32_t> errors;
  std::vector<std::uint32_t> forbids;  // room for working; not part of the answer
};
void decide(const PolicySet& policies, const Entities& entities, const PreparedRequest& request,
            Outcome& outcome);

}  // namespace keyturn::cedar
