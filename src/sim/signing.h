// Signature Version 4 as a client makes it, written apart from the gateway's verifier.
#pragma once

#include <string>

#include "base/clock.h"
#include "http/message.h"

namespace keyturn::sim {

struct SessionKeys {
  std::string access_key_id;
  std::string secret_access_key;
  std::string session_token;
};

// A DynamoDB request in us-east-1, signed now.
http::RequestHead sign_dynamodb(const SessionKeys& keys, const std::string& operation,
                                const std::string& body, Time now);

}  // namespace keyturn::sim
