// Objects in an S3 bucket that are written once and then locked: for what an installation keeps
// outside its own reach. Requests are signed with the vault's credentials and block: for background
// threads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/result.h"
#include "http/http.h"
#include "vault/vault.h"

namespace keyturn::aws {

struct BucketPlace {
  http::Origin origin;  // of the service; the bucket is named in the path
  std::string region;
  std::string bucket;
};

class Bucket {
 public:
  static constexpr std::size_t kObjectBytesMax = std::size_t{1} << 20U;

  Bucket(vault::Vault& vault, const Clock& clock, BucketPlace place)
      : vault_(vault), clock_(clock), place_(std::move(place)) {}

  struct Version {
    std::string key;
    std::string id;
  };
  // Of the first key below `prefix` that was ever written, its oldest version: what was put there
  // later, or marked deleted, does not hide it. kCorrupt behind more deletion marks than anyone
  // needs.
  Result<std::optional<Version>> find_first(std::string_view prefix) const;
  Result<std::string> get(const Version& version) const;
  // Nobody can change or delete it before `until` (object lock, compliance mode; the bucket must
  // have been made with it). kConflict when the key is taken.
  Result<void> put_locked(std::string_view key, std::string body, Time until) const;

 private:
  Result<http::SimpleResponse> send(http::RequestHead head, std::string body) const;

  vault::Vault& vault_;
  const Clock& clock_;
  const BucketPlace place_;
};

}  // namespace keyturn::aws
