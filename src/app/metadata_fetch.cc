#include "app/metadata_fetch.h"

#include "http/http.h"

namespace keyturn::app {
namespace {

constexpr Duration kTimeout = std::chrono::seconds(2);

Result<std::string> fetch(const vault::MetadataRequest& request) {
  const std::size_t scheme = request.url.find("://");
  if (scheme == std::string::npos) {
    return fail(Code::kInvalid, "`{}` is no metadata URL", request.url);
  }
  const std::size_t path = std::min(request.url.find('/', scheme + 3), request.url.size());
  TRY(const http::Origin origin, http::parse_origin(request.url.substr(0, path)));
  http::RequestHead head;
  head.method = request.method;
  head.target = path == request.url.size() ? "/" : request.url.substr(path);
  for (const auto& [name, value] : request.headers) head.headers.add(name, value);
  TRY(http::SimpleResponse response, http::fetch(origin, head, "", kTimeout));
  if (response.status != 200) {
    return fail(Code::kUnavailable, "{} answered {}", origin.host, response.status);
  }
  return std::move(response.body);
}

}  // namespace

vault::MetadataFetch metadata_fetch() { return fetch; }

}  // namespace keyturn::app
