// Every AWS service and operation that botocore knows, with IAM actions, effects and resource
// bindings: routes, not schemas. Read from one TSV text (docs/format/aws-model.md), which it owns;
// all views point into it. Immutable once loaded; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "action/action.h"
#include "aws/model_trie.h"
#include "aws/understand.h"

namespace keyturn::aws {

// What is known of an operation that a flag in the model says.
enum class Trait : char {
  kNoAuthentication = 'a',
  kUnsignedBody = 'u',
  kStreamingBody = 's',
  kEventStream = 'e',
  kOpaqueBody = 'p',      // the body is bytes for the service to interpret
  kCredentialExit = 'x',  // its answer lets the caller act outside the gate
  kDeprecated = 'd',      // a newer operation shares its route
  kContainer = 'l',       // its effect is the strictest of what it carries
};

struct Operation {
  std::uint32_t service = 0;  // index into Model::services()
  std::string_view name;
  std::string_view method;       // REST only
  std::string_view uri;          // REST only
  std::string_view places;       // query and header members
  std::string_view host_prefix;  // `{h.x-amz-account-id}.`, with wire paths
  std::string_view flags;
  std::string_view tokens;       // wire paths of what differs between identical retries
  std::string_view iam_actions;  // empty: the service's prefix and the operation's name
  std::string_view level;
  Effect effect = Effect::kDestroy;
  bool reversible = false;
  std::string_view bindings;
  std::string_view secrets;  // wire paths of what must not be shown
  std::string_view modifiers;
  std::string_view why;
  std::string_view body_names;  // of the members at the body's top; `*`: not told

  bool has(Trait trait) const { return flags.find(static_cast<char>(trait)) != flags.npos; }
};

struct HostRule {
  std::string_view partition;
  std::string_view host;            // `{region}` stands for the region
  std::string_view signing_region;  // empty: the region
  std::string_view exceptions;      // `region=host,signing region;…`
};

struct Service {
  std::string_view name;    // botocore's: `cloudwatch`
  std::string_view scopes;  // comma-separated; the first is what it is signed for: `monitoring`
  std::string_view api_version;
  std::string_view protocols;  // letters: j json, q query, e ec2, r rest-json, x rest-xml, c cbor
  std::string_view target_prefix;
  std::string_view json_version;
  std::string_view iam_prefix;
  std::uint32_t operations_begin = 0;  // into Model::operations(), sorted by name
  std::uint32_t operations_end = 0;
  std::vector<HostRule> hosts;
  RouteTrie routes;

  bool speaks(char protocol) const { return protocols.find(protocol) != protocols.npos; }
  std::string_view signing_name() const { return scopes.substr(0, scopes.find(',')); }
};

// A row of the reviewed list of parameters that change an effect.
struct Modifier {
  std::string_view path;
  std::string_view test;        // `present`, `absent`, `=value`, `<number`
  std::string_view effect;      // empty: only the attribute
  std::string_view direction;   // `at-least` or `is`
  std::string_view reversible;  // `yes`, `no` or empty
  std::string_view attribute;
  std::string_view why;
};

// A resource type's ARN.
struct ArnTemplate {
  std::string_view type;  // `dynamodb:table`
  std::string_view text;  // arn:${Partition}:dynamodb:${Region}:${Account}:table/${TableName}
};

// A resource type of CloudFormation.
struct ResourceType {
  std::string_view name;         // `AWS::DynamoDB::Table`
  std::string_view replaces;     // a change of these properties replaces the resource
  std::string_view may_replace;  // a change of these does so at times
  bool stateful = false;         // it holds what does not come back with a new one
  bool grants = false;           // it decides who may do what
};

class Model {
 public:
  // kCorrupt names the line.
  static Result<std::shared_ptr<const Model>> load(std::string text);

  const std::vector<Service>& services() const { return services_; }
  const std::vector<Operation>& operations() const { return operations_; }
  const Service& service_of(const Operation& operation) const {
    return services_[operation.service];
  }
  // Services signed for under that name, the preferred one first. Empty when there is none.
  std::span<const std::uint32_t> find_scope(std::string_view scope) const;
  const Service* find_service(std::string_view name) const;
  const Operation* find_operation(const Service& service, std::string_view name) const;

  const ArnTemplate* template_at(std::size_t index) const;
  const Modifier* modifier_at(std::size_t index) const;
  const ResourceType* find_type(std::string_view name) const;
  // The sentence behind `why` of an operation.
  std::string reason(const Operation& operation) const;
  // Nothing when no partition has such a region.
  std::optional<std::string_view> partition_of(std::string_view region) const;
  // `botocore 1.43.67, iam-data 0.21.202609261, sha256:…`
  const std::string& description() const { return description_; }
  // SHA-256 of its text.
  const Digest& digest() const { return digest_; }

 private:
  friend class ModelReader;
  Model() = default;

  std::string text_;
  std::string description_;
  Digest digest_;
  std::vector<Service> services_;
  std::vector<Operation> operations_;
  std::vector<ArnTemplate> templates_;
  std::vector<Modifier> modifiers_;
  std::vector<ResourceType> types_;  // sorted by name
  std::vector<std::string_view> reasons_;
  std::vector<std::pair<std::string_view, std::string_view>> partitions_;  // name, region prefixes
  std::unordered_map<std::string_view, std::vector<std::uint32_t>> by_scope_;
  std::unordered_map<std::string_view, std::uint32_t> by_name_;
};

// Calls `visit` with each piece of `text` between separators; none for an empty text.
template <class Visit>
void for_each_piece(std::string_view text, char separator, Visit visit) {
  while (!text.empty()) {
    const std::size_t end = text.find(separator);
    visit(text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

}  // namespace keyturn::aws
