// Which operation a request is: credential scope, protocol marker, then target, form action or
// route. Reads the body only as far as its protocol needs. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "aws/model.h"
#include "aws/parameters.h"

namespace keyturn::aws {

struct Recognised {
  Protocol protocol = Protocol::kUnknown;
  const Service* service = nullptr;      // null: the scope is unknown
  const Operation* operation = nullptr;  // null: not understood
  // Look-alikes in other services of the scope, the chosen one left out.
  std::vector<const Operation*> others;
  std::string name;  // as the request has it, also when unknown; empty for unmatched routes
  Target target;
  std::string bucket_in_host;  // S3's virtual-host style; part of target.segments already
  Fields form;                 // query and ec2
};

// kInvalid: two markers, repeated markers, Action in URL and body, malformed parts.
Result<Recognised> recognise(const Model& model, const Scope& scope, const http::RequestHead& head,
                             std::optional<std::string_view> body,
                             const UnderstandOptions& options);

// A compressed body would be judged by one reader and inflated by another. kInvalid names the cure.
Result<void> check_coding(const http::RequestHead& head, std::string_view body);

// By target, query and headers among the services' REST operations.
struct RouteMatch {
  const Operation* operation = nullptr;
  std::vector<const Operation*> others;
};
RouteMatch match_route(const Model& model, std::string_view scope,
                       std::span<const std::uint32_t> services, const http::RequestHead& head,
                       const Target& target);

// The bucket that the Host field names, or nothing for path style. `hosts`: the gateway's own
// names.
std::string bucket_in_host(std::string_view host, std::span<const std::string> hosts);

bool is_s3(std::string_view scope);

}  // namespace keyturn::aws
