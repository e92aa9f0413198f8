#include "vault/metadata.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include "base/bytes.h"
#include "base/json.h"
#include "vault/found.h"

namespace keyturn::vault {
namespace {

constexpr std::string_view kContainerHost = "http://169.254.170.2";
constexpr std::string_view kInstanceHost = "http://169.254.169.254";
constexpr std::string_view kSessionSeconds = "21600";  // the service's maximum
constexpr std::size_t kRoleBytesMax = 128;             // an instance profile's role name

std::optional<std::string> variable(const Environment& environment, std::string_view name) {
  auto value = environment(name);
  if (value && value->empty()) return std::nullopt;
  return value;
}

Result<std::string> fetch_bounded(const MetadataFetch& fetch, const MetadataRequest& request) {
  auto answer = fetch(request);
  if (!answer) {
    // The transport's message may quote what it sent, which includes a token.
    return fail(answer.error().code, "{} {} failed ({})", request.method, request.url,
                to_string(answer.error().code));
  }
  if (answer->size() > kAnswerBytesMax) {
    crypto::wipe(*answer);
    return fail(Code::kExhausted, "the answer of {} exceeds {} bytes", request.url,
                kAnswerBytesMax);
  }
  return answer;
}

// The host of a URL without user part and port; empty when it is not plain.
std::string_view host_of(std::string_view url, std::string_view scheme) {
  if (!url.starts_with(scheme)) return {};
  url.remove_prefix(scheme.size());
  url = url.substr(0, url.find_first_of("/?#"));
  if (url.find('@') != std::string_view::npos) return {};
  if (url.starts_with('[')) {
    const std::size_t close = url.find(']');
    return close == std::string_view::npos ? std::string_view() : url.substr(0, close + 1);
  }
  return url.substr(0, url.find(':'));
}

bool is_permitted(std::string_view url) {
  if (url.find_first_of(" \t\r\n") != std::string_view::npos) return false;
  if (!host_of(url, "https://").empty()) return true;
  constexpr std::string_view kHosts[] = {"127.0.0.1",     "localhost",      "[::1]",
                                         "169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"};
  return std::ranges::find(kHosts, host_of(url, "http://")) != std::end(kHosts);
}

Result<std::string> container_token(const Environment& environment) {
  std::string token;
  if (const auto path = variable(environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")) {
    std::ifstream file(*path, std::ios::binary);
    if (!file) return fail(Code::kUnavailable, "cannot open the token file `{}`", *path);
    token.resize(kAnswerBytesMax);
    file.read(token.data(), static_cast<std::streamsize>(token.size()));
    token.resize(static_cast<std::size_t>(file.gcount()));
  } else {
    token = variable(environment, "AWS_CONTAINER_AUTHORIZATION_TOKEN").value_or("");
  }
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  const bool plain = std::ranges::all_of(token, [](char c) { return c >= ' ' && c < 0x7F; });
  if (!plain) {
    crypto::wipe(token);
    return fail(Code::kInvalid, "the container's authorization token holds control characters");
  }
  return token;
}

bool is_role_name(std::string_view name) {
  if (name.empty() || name.size() > kRoleBytesMax) return false;
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("+=,.@_-").find(c) != std::string_view::npos;
  });
}

}  // namespace

Result<Credentials> read_container(const Environment& environment, const MetadataFetch& fetch) {
  std::string url;
  if (const auto relative = variable(environment, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")) {
    if (!relative->starts_with('/')) {
      return fail(Code::kInvalid, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with `/`");
    }
    url = fmt::format("{}{}", kContainerHost, *relative);
  } else if (const auto full = variable(environment, "AWS_CONTAINER_CREDENTIALS_FULL_URI")) {
    url = *full;
  } else {
    return fail(Code::kNotFound, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI is not set");
  }
  if (!is_permitted(url)) {
    return fail(Code::kInvalid,
                "the container credentials URI must be https, loopback or a documented link-local "
                "address");
  }
  MetadataRequest request{.method = "GET", .url = std::move(url), .headers = {}};
  TRY(auto token, container_token(environment));
  if (!token.empty()) request.headers.emplace_back("Authorization", token);
  auto answer = fetch_bounded(fetch, request);
  crypto::wipe(token);
  for (auto& [name, value] : request.headers) crypto::wipe(value);
  if (!answer) return fail(std::move(answer).error());
  auto credentials = read_credentials_json(*answer, "Token");
  crypto::wipe(*answer);
  return credentials;
}

Result<Credentials> read_instance(const Environment& environment, const MetadataFetch& fetch) {
  if (equal_ignoring_case(variable(environment, "AWS_EC2_METADATA_DISABLED").value_or(""),
                          "true")) {
    return fail(Code::kNotFound, "AWS_EC2_METADATA_DISABLED is set");
  }
  std::string host = variable(environment, "AWS_EC2_METADATA_SERVICE_ENDPOINT")
                         .value_or(std::string(kInstanceHost));
  while (host.ends_with('/')) host.pop_back();
  MetadataRequest session{
      .method = "PUT",
      .url = host + "/latest/api/token",
      .headers = {{"X-aws-ec2-metadata-token-ttl-seconds", std::string(kSessionSeconds)}}};
  TRY(auto token, fetch_bounded(fetch, session));
  if (!is_plain_token(token)) {
    return fail(Code::kInvalid, "{} answered with no token", session.url);
  }
  const auto get = [&](std::string_view path) {
    MetadataRequest request{.method = "GET",
                            .url = host + std::string(path),
                            .headers = {{"X-aws-ec2-metadata-token", token}}};
    return fetch_bounded(fetch, request);
  };
  TRY(const auto roles, get("/latest/meta-data/iam/security-credentials/"));
  const std::string_view role = trim(std::string_view(roles).substr(0, roles.find('\n')));
  if (!is_role_name(role)) return fail(Code::kNotFound, "the instance has no role");
  TRY(auto answer, get(fmt::format("/latest/meta-data/iam/security-credentials/{}", role)));
  crypto::wipe(token);
  auto credentials = read_credentials_json(answer, "Token");
  crypto::wipe(answer);
  return credentials;
}

}  // namespace keyturn::vault
