#include "aws/bucket.h"

#include "aws/gateway_forward.h"
#include "aws/sigv4.h"
#include "aws/xml.h"
#include "crypto/crypto.h"

namespace keyturn::aws {
namespace {

constexpr Duration kTimeout = std::chrono::seconds(10);
constexpr std::size_t kPagesMax = 16;  // of 1,000 versions: nobody deletes one object so often

// A repeated element is an array, a single one is not.
std::vector<const Json*> elements(const Json& parent, std::string_view name) {
  std::vector<const Json*> all;
  const Json* found = parent.find(name);
  if (found == nullptr) return all;
  if (const Json::Array* list = found->if_array()) {
    for (const Json& item : *list) all.push_back(&item);
  } else {
    all.push_back(found);
  }
  return all;
}

std::string joined_query(const std::vector<std::pair<std::string, std::string>>& query) {
  std::string text;
  for (const auto& [name, value] : query) {
    text += fmt::format("{}{}={}", text.empty() ? "" : "&", name, percent_encode(value));
  }
  return text;
}

std::string said(const http::SimpleResponse& response) {
  const auto xml = read_xml(response.body);
  const std::string code = xml ? xml->value.string_or("Code", "") : std::string();
  return code.empty() ? fmt::format("status {}", response.status) : printable(code, 100);
}

}  // namespace

Result<http::SimpleResponse> Bucket::send(http::RequestHead head, std::string body) const {
  auto signer = vault_.signer();
  if (!signer) {
    TRY_VOID(vault_.refresh());
    signer = vault_.signer();
  }
  if (!signer) return fail(std::move(signer).error());
  const std::string payload = crypto::sha256(body).hex();
  TRY_VOID(sign_for_upstream(head, host_of(place_.origin), payload, {place_.region, "s3"},
                             clock_.now(), **signer));
  return http::fetch(place_.origin, std::move(head), std::move(body), kTimeout);
}

Result<std::optional<Bucket::Version>> Bucket::find_first(std::string_view prefix) const {
  std::string key_marker;
  std::string version_marker;
  for (std::size_t page = 0; page < kPagesMax; ++page) {
    std::vector<std::pair<std::string, std::string>> query;
    if (!key_marker.empty()) query.emplace_back("key-marker", key_marker);
    query.emplace_back("prefix", std::string(prefix));
    if (!version_marker.empty()) query.emplace_back("version-id-marker", version_marker);
    query.emplace_back("versions", "");
    http::RequestHead head;
    head.method = "GET";
    head.target = fmt::format("/{}?{}", place_.bucket, joined_query(query));
    TRY(const auto answer, send(std::move(head), ""));
    if (answer.status != 200) {
      return fail(Code::kUnavailable, "the bucket `{}` cannot be listed: {}", place_.bucket,
                  said(answer));
    }
    TRY(const Xml list, context(read_xml(answer.body), "what S3 lists"));
    // By key, and of one key the newest first.
    std::optional<Version> first;
    for (const Json* element : elements(list.value, "Version")) {
      Version version{element->string_or("Key", ""), element->string_or("VersionId", "")};
      if (first && version.key != first->key) break;
      first = std::move(version);
    }
    if (first) return first;
    if (list.value.string_or("IsTruncated", "") != "true") return std::nullopt;
    key_marker = list.value.string_or("NextKeyMarker", "");
    version_marker = list.value.string_or("NextVersionIdMarker", "");
  }
  return fail(Code::kCorrupt, "the bucket `{}` has more than {} deletion marks below `{}`",
              place_.bucket, kPagesMax * 1'000, printable(prefix, 100));
}

Result<std::string> Bucket::get(const Version& version) const {
  http::RequestHead head;
  head.method = "GET";
  head.target = fmt::format("/{}/{}?{}", place_.bucket, percent_encode(version.key, "/"),
                            joined_query({{"versionId", version.id}}));
  TRY(auto answer, send(std::move(head), ""));
  if (answer.status != 200) {
    return fail(Code::kUnavailable, "`{}` in the bucket `{}` cannot be read: {}",
                printable(version.key, 200), place_.bucket, said(answer));
  }
  if (answer.body.size() > kObjectBytesMax) {
    return fail(Code::kCorrupt, "`{}` in the bucket `{}` has {} bytes; at most {} were written",
                printable(version.key, 200), place_.bucket, answer.body.size(), kObjectBytesMax);
  }
  return std::move(answer.body);
}

Result<void> Bucket::put_locked(std::string_view key, std::string body, Time until) const {
  const std::string stamp = format_timestamp(until);  // 20150830T123600Z
  http::RequestHead head;
  head.method = "PUT";
  head.target = fmt::format("/{}/{}", place_.bucket, percent_encode(key, "/"));
  head.headers.add("content-type", "text/plain; charset=utf-8");
  head.headers.add("if-none-match", "*");
  // S3 wants a checksum with a lock, and the name of its kind.
  head.headers.add("x-amz-sdk-checksum-algorithm", "SHA256");
  head.headers.add("x-amz-checksum-sha256", base64_encode(crypto::sha256(body).view()));
  head.headers.add("x-amz-object-lock-mode", "COMPLIANCE");
  head.headers.add(
      "x-amz-object-lock-retain-until-date",
      fmt::format("{}-{}-{}T{}:{}:{}Z", stamp.substr(0, 4), stamp.substr(4, 2), stamp.substr(6, 2),
                  stamp.substr(9, 2), stamp.substr(11, 2), stamp.substr(13, 2)));
  TRY(const auto answer, send(std::move(head), std::move(body)));
  if (answer.status == 200) return {};
  if (answer.status == 412 || answer.status == 409) {
    return fail(Code::kConflict, "`{}` in the bucket `{}` is there already: {}",
                printable(key, 200), place_.bucket, said(answer));
  }
  return fail(Code::kUnavailable, "`{}` cannot be written to the bucket `{}`: {}",
              printable(key, 200), place_.bucket, said(answer));
}

}  // namespace keyturn::aws
