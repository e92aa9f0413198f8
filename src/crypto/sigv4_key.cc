#include <openssl/crypto.h>

#include "crypto/crypto.h"

namespace keyturn::crypto {

Secret sigv4_signing_key(std::string_view secret, std::string_view date, std::string_view region,
                         std::string_view service) {
  std::string start = "AWS4";
  start += secret;
  Digest key = hmac_sha256(start, date);
  wipe(start);
  for (const std::string_view part : {region, service, std::string_view("aws4_request")}) {
    key = hmac_sha256(key.view(), part);
  }
  Secret result(key.view());
  OPENSSL_cleanse(key.bytes.data(), key.bytes.size());
  return result;
}

}  // namespace keyturn::crypto
