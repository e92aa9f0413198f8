// A request's parts, read strictly: target, query, form. Whatever two readers could take
// differently is refused with kInvalid. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/json.h"
#include "http/http.h"

namespace keyturn::aws {

struct Field {
  std::string name;
  std::string value;
  friend bool operator==(const Field&, const Field&) = default;
};
using Fields = std::vector<Field>;

// EC2 accepts a few thousand filters and tags in one request; this is far beyond.
inline constexpr std::size_t kFormFieldsMax = 50'000;
inline constexpr std::size_t kFormDepthMax = 24;

struct Target {
  std::string service_hint;           // NAME of a leading `/_svc/NAME`, which is cut off
  std::string path;                   // raw, from its first slash
  std::vector<std::string> segments;  // decoded one by one after splitting
  bool trailing_slash = false;
  Fields query;  // decoded, in order, without the signature's own parameters
  bool presigned = false;
};

enum class PathRules {
  kObjectKeys,  // S3: empty segments are part of a key
  kPlain,
};
// Refused: dot segments in any encoding, escapes of escapes, control bytes, broken escapes, a raw
// plus in the query.
Result<Target> read_target(std::string_view target, PathRules rules);
// Whether a query parameter belongs to a presigned URL's signature.
bool is_signature_parameter(std::string_view name);
// S3 takes the x-amz-… parameters of a presigned URL for the header fields they are named after;
// SDKs write them so. The same request with them in its header; nothing when there are none.
// kInvalid: one is no field value.
Result<std::optional<http::RequestHead>> without_hoisted(const http::RequestHead& head);
// The path written again: each segment encoded once.
std::string write_path(const std::vector<std::string>& segments, bool trailing_slash);
std::string write_query(const Fields& query);

const std::string* find_field(const Fields& fields, std::string_view name);

// application/x-www-form-urlencoded. Repeated names are refused.
Result<Fields> read_form(std::string_view body);
std::string write_form(const Fields& fields);
// `Tags.member.1.Key=a` as {"Tags": [{"Key": "a"}]}. Refused: a name that is both a value and a
// group.
Result<Json> nest(const Fields& fields);

// kInvalid: two names of the object differ in case only. AWS's own readers differ in whether
// `tableName` is `TableName`; no operation has both.
Result<void> check_spelling(const Json& object);

// The values at a wire path below `root` (tools/aws_model/shapes.py): `Tags[].Key`.
std::vector<const Json*> values_at(const Json& root, std::string_view path);
// Text of a scalar; nothing for null, lists and objects.
std::optional<std::string> text_of(const Json& value);
// Drops, or replaces when `with` is given, what is at the path.
void overwrite(Json& root, std::string_view path, const Json* with);

}  // namespace keyturn::aws
