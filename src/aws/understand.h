// What one AWS request is, what it touches and what it would do; and the same request written anew
// for upstream, so that what upstream reads is what policy judged. Pure: no clock, no network, no
// state but the immutable model. Any thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "action/action.h"
#include "base/result.h"
#include "http/http.h"

namespace keyturn::aws {

class Model;
struct Deployed;

// Of the credential scope, after its signature verified.
struct Scope {
  std::string service;  // `monitoring`
  std::string region;   // `eu-central-1`
};

enum class Protocol { kUnknown, kJson10, kJson11, kQuery, kEc2, kRestJson, kRestXml, kCbor };
std::string_view to_string(Protocol protocol);

// The request for upstream: complete but for Host, framing and signature. Not in it: what only the
// first hop's signature needed (Authorization, X-Amz-Date, the X-Amz-… query parameters, …).
struct Forward {
  std::string service;       // the model's name, which upstream_origin() takes: `cloudwatch`
  std::string signing_name;  // of the scope to sign in: `monitoring`
  std::string region;        // of the scope to sign in
  std::string host_prefix;   // `sync-`, with which the upstream host begins; mostly empty
  std::string method;
  std::string target;
  http::Headers headers;
  std::optional<std::string> body;  // nothing: the client's body is streamed as it is
};

// What upstream knows and the request does not tell; a name or an ARN, as the request has it.
struct Wanted {
  std::string stack;
  std::string change_set;  // empty: the stack's template
};

struct Understood {
  Action action;
  Protocol protocol = Protocol::kUnknown;
  std::string model_service;  // `cloudwatch`; empty when unknown
  Forward forward;
  // With what upstream answers to this, understand() would tell more.
  std::optional<Wanted> wanted = std::nullopt;
};

struct UnderstandOptions {
  std::string account;            // of the upstream credentials; fills ARNs
  std::string partition = "aws";  // where the region does not say
  // The gateway's own host names: `bucket.NAME` is S3's virtual-host style. Amazon's names,
  // `localhost` and addresses are known anyway.
  std::vector<std::string> hosts = {};
  // GatewayOptions::url: queue URLs that begin with it are sent as AWS names them.
  std::string gate_url = {};
};

// A body of more bytes than this is not looked into: the request is refused.
inline constexpr std::size_t kParsedBodyBytesMax = 64U << 20U;

// Whether the body must be read whole before understand() is called. False for S3 object uploads
// and the like, which are decided by their head and streamed.
bool wants_body(const Model& model, const Scope& scope, const http::RequestHead& head,
                const UnderstandOptions& options = {});

// `body`: all of it, already decoded from aws-chunked; nothing when it is streamed. An operation
// that the model does not know is no error: it is not understood, and its effect is destroy.
// `deployed`: the stack in `wanted`, as upstream has it.
// kInvalid: two readers could take the request differently, or it is malformed. kExhausted: it is
// too large to look into.
Result<Understood> understand(const Model& model, const Scope& scope, const http::RequestHead& head,
                              std::optional<std::string_view> body,
                              const UnderstandOptions& options, const Deployed* deployed = nullptr);

// Where requests go, never taken from what the agent sent.
struct Upstreams {
  std::string partition = "aws";          // where the region does not say
  std::optional<std::string> everywhere;  // `http://127.0.0.1:5000`
  // By the model's name or the signing name; wins over `everywhere`.
  std::map<std::string, std::string, std::less<>> by_service;
};
// kInvalid: the region is no region's name. kNotFound: no host is known for the service.
Result<http::Origin> upstream_origin(const Model& model, const Forward& forward,
                                     const Upstreams& upstreams);

}  // namespace keyturn::aws
