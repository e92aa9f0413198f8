#include <algorithm>

#include "aws/aws.h"
#include "aws/model.h"
#include "aws/sigv4.h"
#include "aws/understand.h"

namespace keyturn::aws {
namespace {

constexpr std::size_t kRegionBytesMax = 32;
constexpr std::size_t kHostBytesMax = 253;  // RFC 1035

const HostRule* rule_for(const Service& service, std::string_view partition) {
  const auto found = std::find_if(service.hosts.begin(), service.hosts.end(),
                                  [&](const HostRule& r) { return r.partition == partition; });
  return found == service.hosts.end() ? nullptr : &*found;
}

std::string with_region(std::string_view host, std::string_view region) {
  std::string text(host);
  const std::size_t at = text.find("{region}");
  if (at != text.npos) text.replace(at, 8, region);
  return text;
}

bool is_host(std::string_view host) {
  return host.size() <= kHostBytesMax && !host.starts_with('.') && host.find("..") == host.npos &&
         to_lower(host).find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-._") ==
             std::string::npos;
}

}  // namespace

bool is_region(const Model& model, std::string_view region) {
  if (region.size() > kRegionBytesMax || !model.partition_of(region)) return false;
  const std::size_t dash = region.rfind('-');
  const std::string_view place = region.substr(0, dash);
  const std::string_view number = region.substr(dash + 1);
  return !number.empty() && number.find_first_not_of("0123456789") == number.npos &&
         place.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == place.npos &&
         place.back() != '-';
}

Result<http::Origin> upstream_origin(const Model& model, const Forward& forward,
                                     const Upstreams& upstreams) {
  // Also where an upstream is configured: environments are told apart by region.
  if (!is_region(model, forward.region)) {
    return fail(Code::kInvalid, "`{}` is no region; sign for the one that is meant: us-east-1",
                printable(forward.region, 64));
  }
  for (const std::string& name : {forward.service, forward.signing_name}) {
    const auto found = upstreams.by_service.find(name);
    if (found != upstreams.by_service.end()) return http::parse_origin(found->second);
  }
  if (upstreams.everywhere) return http::parse_origin(*upstreams.everywhere);
  const std::string_view partition =
      model.partition_of(forward.region).value_or(upstreams.partition);
  const Service* service = model.find_service(forward.service);
  if (service != nullptr && signed_with(service->name) == SignedWith::kV4a) {
    // One host for all regions, in the standard partition alone.
    return http::Origin{.scheme = "https",
                        .host = forward.host_prefix + "cloudfront-kvs.global.api.aws",
                        .port = 443};
  }
  const HostRule* rule = service == nullptr ? nullptr : rule_for(*service, partition);
  if (rule == nullptr) {
    return fail(Code::kNotFound, "no host is known for `{}` in `{}`; configure its upstream",
                printable(forward.service, 64), partition);
  }
  std::string_view host = rule->host;
  for_each_piece(rule->exceptions, ';', [&](std::string_view exception) {
    const std::size_t equals = exception.find('=');
    if (exception.substr(0, equals) != forward.region) return;
    const std::string_view other = exception.substr(equals + 1);
    host = other.substr(0, other.find(','));
  });
  std::string full = forward.host_prefix + with_region(host, forward.region);
  if (!is_host(full)) {
    return fail(Code::kInvalid, "`{}` is no host", printable(full, 128));
  }
  return http::Origin{.scheme = "https", .host = std::move(full), .port = 443};
}

}  // namespace keyturn::aws
