// The steps of understand(): reading the members of a recognised request, and writing it anew.
// Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "aws/bind.h"
#include "aws/discovered.h"
#include "aws/recognise.h"

namespace keyturn::aws {

// A string longer than this is shown to reviewers by its size and digest. CloudFormation's longest
// inline template (51,200 bytes) stays whole.
inline constexpr std::size_t kShownTextBytesMax = 64U << 10U;
// All parameters together; beyond, only their size and digest are kept.
inline constexpr std::size_t kShownBytesMax = 1U << 20U;

struct Members {
  Input input;
  std::optional<std::string> body;  // for upstream
  std::string content_type;         // when it is not the client's
  // The body for the digest, without what differs between identical retries.
  std::string canonical_body;
};
// kInvalid: the body is not what its protocol asks for.
Result<Members> read_members(const Recognised& recognised, const http::RequestHead& head,
                             std::optional<std::string_view> body, const QueueHosts& hosts);

// The fields that go upstream. kInvalid: one that bears meaning is repeated.
Result<http::Headers> forward_headers(const Recognised& recognised, const http::RequestHead& head);
// A query parameter or header that the model does not know and S3 may read.
std::optional<std::string> find_unknown_part(const Recognised& recognised,
                                             const http::Headers& headers);
// A member at the top of the body that the model does not know: it may name another resource, or
// ask for more than the operation does by itself. Nothing for operations that only look.
std::optional<std::string> find_unknown_member(const Operation& operation, const Json& body);
// SQS reads the queue of a form from the path, policy from `QueueUrl`: kInvalid when they differ.
Result<void> check_queue_path(const Recognised& recognised, const Json& body);
bool is_place(const Operation& operation, char place, std::string_view name);

// What a grant binds: docs/format/digest.md.
std::string write_canonical_request(const Action& action, const Recognised& recognised,
                                    const Forward& forward, std::string_view canonical_body);

// Without secrets, within the limits above.
Json shown_parameters(const Operation* operation, Input input);

}  // namespace keyturn::aws
