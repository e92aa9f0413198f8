// From the members of a request to the resources it touches, by the model's bindings. What cannot
// be bound is `*`: it may be anything. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "aws/model.h"
#include "base/json.h"

namespace keyturn::aws {

// More than any operation of AWS takes. What goes beyond is `*`.
inline constexpr std::size_t kResourcesMax = 1'000;

// What a request says, by place.
struct Input {
  Json labels = Json::Object{};
  Json query = Json::Object{};
  Json headers = Json::Object{};
  Json body;
  std::string request_path;  // decoded, for services that name resources by it

  // At a wire path with its place in front: `b.Tags[].Key`, `u.FunctionName`.
  std::vector<const Json*> at(std::string_view path) const;
  void overwrite(std::string_view path, const Json* with);
  // All members by name. A name in two places keeps its place in front of the later one.
  Json merged() const;
};

struct Place {
  std::string partition;
  std::string region;
  std::string account;
};

struct Bound {
  std::vector<Resource> resources;  // never empty
  std::vector<std::string> why;
};
Bound bind_resources(const Model& model, const Operation& operation, const Input& input,
                     const Place& place);

// A resource named by a whole ARN, its account and region read from it; `*` when it is no ARN.
Resource resource_of_arn(std::string_view arn, std::string_view type);
// One that may be anything.
Resource any_resource(const Place& place);

}  // namespace keyturn::aws
