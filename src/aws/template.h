// CloudFormation templates as values, and what an update from one to another does to the resources
// of a stack. Pure; any thread. Whatever cannot be told from the templates counts as the worse.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "aws/model.h"
#include "base/json.h"

namespace keyturn::aws {

// CloudFormation's own limit of a template in S3. Its 500 resources are not counted here.
inline constexpr std::size_t kTemplateBytesMax = 1U << 20U;
inline constexpr std::size_t kTemplateDepthMax = 64;
inline constexpr std::size_t kTemplateNodesMax = 200'000;

// JSON, or YAML with CloudFormation's tags: `!Ref x` is {"Ref": "x"}, `!GetAtt a.b` is
// {"Fn::GetAtt":
// ["a", "b"]}. Scalars of YAML are strings, as comparing them asks for. Refused with kInvalid:
// repeated keys, aliases, several documents, unknown tags; with kExhausted what is beyond the
// limits.
Result<Json> parse_template(std::string_view text);

struct TemplateVersion {
  Json body;  // of parse_template()
  // As the stack has them; what is missing is the parameter's default.
  std::map<std::string, std::string, std::less<>> parameters = {};
};

enum class ResourceChange {
  kAdded,
  kChanged,     // in place
  kMayReplace,  // in place or by a new one, or it may be removed: the templates do not say
  kReplaced,    // a new one is made and the old one removed
  kRemoved,
  kReleased,  // no longer of the stack, but kept
};
std::string_view to_string(ResourceChange change);

struct TemplateChange {
  std::string logical_id;  // `Orders`
  std::string type;        // `AWS::DynamoDB::Table`; of the old template unless it was added
  std::string name;        // the physical name that the template gives; empty when AWS makes it up
  ResourceChange change = ResourceChange::kMayReplace;
  bool stateful = true;
  bool grants = false;
  // Roles that it lends a service: ARNs and names as written, `*` where the template computes one.
  std::vector<std::string> roles = {};
  std::string why;  // `TableName is changed`
  friend bool operator==(const TemplateChange&, const TemplateChange&) = default;
};

// Alone: what its kind of change does.
Effect effect_of(const TemplateChange& change);

struct TemplateDiff {
  std::vector<TemplateChange> changes;  // by logical id
  Effect effect = Effect::kDestroy;     // the strictest of the changes
  std::vector<std::string> why;         // what makes the outcome unknown
};
TemplateDiff template_diff(const Model& model, const TemplateVersion& old_version,
                           const TemplateVersion& new_version);

// Whether properties that guard or keep data are among what changes.
enum class Guards { kKept, kTouched };
// The effect of known changes.
TemplateDiff judge_changes(const Model& model, std::vector<TemplateChange> changes, Guards guards);

// All resources of a template that is deployed for the first time.
TemplateDiff template_creation(const Model& model, const TemplateVersion& version);

// A thing that is destroyed and made again under the same name: its content is lost although a list
// shows it as before.
struct Recreation {
  std::string destroyed;  // ARN, or logical id
  std::string created;
  std::string type;
  friend bool operator==(const Recreation&, const Recreation&) = default;
};
// Within one change: replacements, and a removal with an addition of the same type and name.
std::vector<Recreation> find_recreations(const TemplateDiff& diff);

// Whether it makes a thing that may have been there before. Objects and items are content, which
// comes and goes; they are no such things.
bool creates(const Action& action);
// Across requests of a session, the latest last. A creation is of the same kind when service and
// noun of the operations are the same and one of its resources has the ARN.
std::vector<Recreation> find_recreations(const Action& creation,
                                         const std::vector<Destroyed>& destroyed);
// The same in words, for policy and reviewers.
std::vector<std::string> describe_recreations(const Action& creation,
                                              const std::vector<Destroyed>& destroyed);

}  // namespace keyturn::aws
