// CBOR (RFC 8949) as AWS's rpc-v2-cbor protocol sends it, read strictly and written again in one
// way: definite lengths, shortest heads. Refused with kInvalid: repeated or non-text map keys,
// reserved or non-minimal forms that readers differ on, bytes after the value. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"

namespace keyturn::aws {

inline constexpr std::size_t kCborDepthMax = 64;  // as JSON

struct Cbor {
  Json value;           // byte strings as {"$base64": …}, floats and tagged times as numbers
  std::string encoded;  // the same value, written again
};
Result<Cbor> read_cbor(std::string_view bytes);

}  // namespace keyturn::aws
