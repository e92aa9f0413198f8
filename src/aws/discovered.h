// Addresses in what passes. Some answers of AWS name endpoints that clients then send to, past the
// gate: they are told the gate's instead. A queue URL of the gate's is AWS's own again in what
// leaves. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "action/action.h"
#include "base/json.h"
#include "http/http.h"

namespace keyturn::aws {

// What an operation's answer names: SQS's queue URLs, or the endpoints of DescribeEndpoints.
enum class Discovery { kNone, kQueueUrls, kEndpoints };
Discovery discovery_of(const Action& action);

// A page of 1,000 queue URLs has a quarter of it.
inline constexpr std::uint64_t kDiscoveryBytesMax = 1U << 20U;

// An answer with status 200, written anew with `gate_url` (`http://127.0.0.1:7312`) in place of
// every address. kInvalid: it is compressed, neither JSON nor XML, or names what is no URL.
Result<std::string> name_gate(Discovery discovery, const http::ResponseHead& head,
                              std::string_view body, std::string_view gate_url);

// Where queue URLs begin: as the gate names them, and as AWS does. Empty: they are left alone.
struct QueueHosts {
  std::string gate;
  std::string upstream;
};
// `http://127.0.0.1:7312/123456789012/orders` →
// `https://sqs.eu-west-1.amazonaws.com/123456789012/orders`; any other text as it is.
std::string queue_url_for_upstream(const std::string& url, const QueueHosts& hosts);

}  // namespace keyturn::aws
