#include "aws/made.h"

#include <algorithm>
#include <array>

#include "aws/template_parts.h"
#include "base/bytes.h"

namespace keyturn::aws {
namespace {

enum class Fields { kRegional, kGlobal, kBare };  // which of region and account its ARN has

struct NamedType {
  std::string_view type;
  std::string_view service;
  Fields fields;
  std::string_view before;  // of the name
};

// Sources: the resource type reference of CloudFormation (primary identifiers) and the ARN formats
// of the Service Authorization Reference.
constexpr std::array<NamedType, 22> kNamedTypes = {{
    {"AWS::CloudWatch::Alarm", "cloudwatch", Fields::kRegional, "alarm:"},
    {"AWS::DynamoDB::Table", "dynamodb", Fields::kRegional, "table/"},
    {"AWS::EC2::Instance", "ec2", Fields::kRegional, "instance/"},
    {"AWS::ECR::Repository", "ecr", Fields::kRegional, "repository/"},
    {"AWS::ECS::Cluster", "ecs", Fields::kRegional, "cluster/"},
    {"AWS::EKS::Cluster", "eks", Fields::kRegional, "cluster/"},
    {"AWS::ElastiCache::ReplicationGroup", "elasticache", Fields::kRegional, "replicationgroup:"},
    {"AWS::IAM::Group", "iam", Fields::kGlobal, "group/"},
    {"AWS::IAM::Role", "iam", Fields::kGlobal, "role/"},
    {"AWS::IAM::User", "iam", Fields::kGlobal, "user/"},
    {"AWS::KMS::Alias", "kms", Fields::kRegional, ""},
    {"AWS::Kinesis::Stream", "kinesis", Fields::kRegional, "stream/"},
    {"AWS::Lambda::Function", "lambda", Fields::kRegional, "function:"},
    {"AWS::Logs::LogGroup", "logs", Fields::kRegional, "log-group:"},
    {"AWS::RDS::DBCluster", "rds", Fields::kRegional, "cluster:"},
    {"AWS::RDS::DBInstance", "rds", Fields::kRegional, "db:"},
    {"AWS::S3::Bucket", "s3", Fields::kBare, ""},
    {"AWS::SNS::Topic", "sns", Fields::kRegional, ""},
    {"AWS::SQS::Queue", "sqs", Fields::kRegional, ""},
    {"AWS::SSM::Parameter", "ssm", Fields::kRegional, "parameter/"},
    {"AWS::SecretsManager::Secret", "secretsmanager", Fields::kRegional, "secret:"},
    {"AWS::StepFunctions::StateMachine", "states", Fields::kRegional, "stateMachine:"},
}};

const NamedType* find_named(std::string_view type) {
  const auto found = std::find_if(kNamedTypes.begin(), kNamedTypes.end(),
                                  [type](const NamedType& named) { return named.type == type; });
  return found == kNamedTypes.end() ? nullptr : &*found;
}

// Stars would match what is not meant, bars join the parts of a composite identifier.
bool is_name(std::string_view name) {
  return !name.empty() && name.find_first_of("*?|{}\\ \t\r\n") == name.npos;
}

std::string_view kind_of(std::string_view type) { return type.substr(type.rfind(':') + 1); }

}  // namespace

std::optional<std::string> arn_of_made(const Made& made, const Place& place) {
  const NamedType* named = find_named(made.type);
  std::string_view name = made.name;
  if (!is_name(name)) return std::nullopt;
  if (name.starts_with("arn:")) {
    const Resource whole = resource_of_arn(name, "");
    return whole.name == "*" ? std::nullopt : std::optional(whole.name);
  }
  if (named == nullptr) return std::nullopt;
  // A queue is identified by its URL.
  if (named->service == "sqs" && name.find('/') != name.npos) {
    name.remove_prefix(name.rfind('/') + 1);
  }
  if (named->service == "ssm" && name.starts_with('/')) name.remove_prefix(1);
  if (name.empty()) return std::nullopt;
  const bool bare = named->fields == Fields::kBare;
  const bool regional = named->fields == Fields::kRegional;
  return fmt::format("arn:{}:{}:{}:{}:{}{}", place.partition, named->service,
                     regional ? place.region : "", bare ? "" : place.account, named->before, name);
}

std::optional<Made> made_by_cloud_control(std::string_view operation, const Input& input) {
  const auto text_at = [&](std::string_view path) -> const std::string* {
    const auto found = input.at(path);
    return found.size() == 1 ? found.front()->if_string() : nullptr;
  };
  const std::string* type = text_at("b.TypeName");
  if (type == nullptr) return std::nullopt;
  if (operation != "CreateResource") {
    const std::string* identifier = text_at("b.Identifier");
    if (identifier == nullptr) return std::nullopt;
    return Made{*type, *identifier};
  }
  const std::string* state = text_at("b.DesiredState");
  if (state == nullptr) return std::nullopt;
  const auto properties = parse_strict(*state);
  if (!properties) return std::nullopt;
  return Made{*type, physical_name(*type, *properties)};
}

Json describe_made(const std::vector<Made>& made, const Place& place) {
  Json::Array all;
  for (const Made& one : made) {
    if (all.size() >= kResourcesMax) break;
    auto arn = arn_of_made(one, place);
    if (!arn) continue;
    all.push_back(Json::object({{"arn", std::move(*arn)}, {"kind", kind_of(one.type)}}));
  }
  return all.empty() ? Json() : Json(std::move(all));
}

}  // namespace keyturn::aws
