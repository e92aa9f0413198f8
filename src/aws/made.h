// Things by CloudFormation's type and their own name: the ARN that the service's own operations
// name them by. For templates and Cloud Control, which say types. Private to the room; pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/bind.h"

namespace keyturn::aws {

// Something that a request makes, by the name that it gives.
struct Made {
  std::string type;  // `AWS::DynamoDB::Table`
  std::string name;  // `orders`
};

// Reviewed types only, whose primary identifier is the name in their ARN; nothing for others, and
// for names that no ARN could hold. A whole ARN is its own.
std::optional<std::string> arn_of_made(const Made& made, const Place& place);

// What a request to Cloud Control acts on; nothing when its type or name does not say.
std::optional<Made> made_by_cloud_control(std::string_view operation, const Input& input);

// The action's attribute that lists what it makes: [{"arn", "kind"}], kind is `Table`.
inline constexpr std::string_view kMakes = "makes";
Json describe_made(const std::vector<Made>& made, const Place& place);

}  // namespace keyturn::aws
