// The API as the command line calls it: finds server and token, sends, and turns answers into
// results.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/json.h"
#include "base/result.h"
#include "vault/vault.h"

namespace keyturn::cli {

using Environment = vault::Environment;

// The token of $KEYTURN_TOKEN or of the token file. kDenied when others may read the file.
Result<std::string> find_token(const Environment& environment);
std::string token_file(const Environment& environment);

class Client {
 public:
  // `url` as given with --url; empty: $KEYTURN_URL or the default.
  static Result<Client> create(const std::string& url, const Environment& environment);

  // The answer's JSON. Errors carry the server's message and the code that fits its status.
  Result<Json> get(std::string_view target) const;
  Result<Json> send(std::string_view method, std::string_view target,
                    const std::optional<Json>& body) const;
  const std::string& url() const { return url_; }

 private:
  Client(std::string url, std::string token) : url_(std::move(url)), token_(std::move(token)) {}
  std::string url_;
  std::string token_;
};

}  // namespace keyturn::cli
