// Anchors in an S3 bucket with object lock: each checkpoint a new object, named so that the newest
// comes first, which nobody can change or delete before its time.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "app/config.h"
#include "aws/bucket.h"
#include "ledger/anchors.h"

namespace keyturn::app {

// s3://BUCKET/PREFIX?region=REGION&days=DAYS; `days` may be missing.
struct BucketAnchor {
  std::string bucket;
  std::string prefix;  // ends in a slash
  std::string region;
  int days = 365;  // that each checkpoint is locked
};
bool is_bucket_anchor(std::string_view text);
// kInvalid says what is wrong.
Result<BucketAnchor> parse_bucket_anchor(std::string_view text);

// `name` as the operator gave it. Signs with the vault's credentials.
Result<std::unique_ptr<ledger::AnchorPlace>> anchor_bucket(const std::string& name,
                                                           const AwsConfig& config,
                                                           vault::Vault& vault, const Clock& clock);

}  // namespace keyturn::app
