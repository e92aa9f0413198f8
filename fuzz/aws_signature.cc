// Canonical requests and claims: a line is method and target, lines of headers follow. Oracle: what
// we sign verifies, and claims no more than was signed; a claim that is read is written as it was.
#include <algorithm>

#include "aws/parameters.h"
#include "aws/sigv4.h"
#include "aws/test_support.h"
#include "aws_forward.h"
#include "base/bytes.h"

namespace {

using namespace keyturn;

constexpr std::string_view kSecret = "secret";

// What http lets through.
bool is_field(std::string_view name, std::string_view value) {
  const auto is_text = [](char c) { return c == '\t' || static_cast<unsigned char>(c) >= 0x20; };
  return to_lower(name).find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.") == name.npos &&
         std::all_of(value.begin(), value.end(), is_text) && value.find('\x7f') == value.npos;
}

void check_signing(http::RequestHead head, const std::string& service) {
  const Time now = *parse_time("2026-01-02T03:04:05Z");
  const aws::UpstreamScope scope{"eu-central-1", service};
  head.headers.remove("host");
  // The forwarder drops what only the first hop's signature needed.
  for (const char* name :
       {"authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"}) {
    head.headers.remove(name);
  }
  const auto signature = aws::sign_for_upstream(head, "upstream:1", aws::kEmptyDigest, scope, now,
                                                aws::KeysSigner("AKID", kSecret, "token"));
  if (!signature) return;
  head.headers.add("Host", "upstream:1");
  const auto claim = aws::read_claim(head);
  if (!claim) return;  // it came with a signature in its query
  CHECK(claim->signature == *signature);
  identity::SessionKeys keys;
  keys.access_key_id = "AKID";
  keys.secret_access_key = crypto::Secret(kSecret);
  keys.session_token = crypto::Secret("token");
  aws::SigningKeys cache;
  const auto verified =
      aws::verify_signature(head, *claim, aws::kEmptyDigest, keys, now, {}, cache);
  CHECK(verified);
  head.method += "X";
  CHECK(!aws::verify_signature(head, *claim, aws::kEmptyDigest, keys, now, {}, cache));
}

void check_claim(const http::RequestHead& head) {
  const auto claim = aws::read_claim(head);
  if (!claim || claim->by != aws::SignedBy::kHeader) return;
  std::string names;
  for (const std::string& name : claim->signed_headers) {
    names += names.empty() ? "" : ";";
    names += name;
  }
  http::RequestHead again = head;
  again.headers.set("authorization",
                    fmt::format("AWS4-HMAC-SHA256 Credential={}/{}, SignedHeaders={}, Signature={}",
                                claim->access_key_id, claim->scope(), names, claim->signature));
  const auto other = aws::read_claim(again);
  CHECK(other);
  CHECK(other->access_key_id == claim->access_key_id && other->scope() == claim->scope());
  CHECK(other->signed_headers == claim->signed_headers && other->signature == claim->signature);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto line = [&] {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view text = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return text;
  };
  const std::string_view first = line();
  const std::size_t space = std::min(first.find(' '), first.size());
  http::RequestHead head{std::string(first.substr(0, space)), "/", {}};
  head.target += first.substr(std::min(space + 1, first.size()));
  while (!rest.empty() && head.headers.size() < 32) {
    const std::string_view field = line();
    const std::size_t colon = field.find(':');
    if (colon == field.npos || colon == 0) break;
    if (!is_field(field.substr(0, colon), field.substr(colon + 1))) continue;
    head.headers.add(to_lower(field.substr(0, colon)), trim(field.substr(colon + 1)));
  }
  check_claim(head);
  // What is forwarded was read and written anew.
  for (const char* service : {"s3", "dynamodb"}) {
    const auto rules =
        std::string_view(service) == "s3" ? aws::PathRules::kObjectKeys : aws::PathRules::kPlain;
    const auto target = aws::read_target(head.target, rules);
    if (!target) continue;
    http::RequestHead out = head;
    out.target =
        aws::write_path(target->segments, target->trailing_slash) + aws::write_query(target->query);
    check_signing(std::move(out), service);
  }
  return 0;
}
