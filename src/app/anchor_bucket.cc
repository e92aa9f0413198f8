#include "app/anchor_bucket.h"

#include <charconv>

namespace keyturn::app {
namespace {

constexpr std::string_view kScheme = "s3://";
constexpr std::string_view kForm = "s3://BUCKET/PREFIX?region=eu-central-1&days=365";
constexpr int kDaysMax = 36'500;  // S3's own limit is a hundred years

bool is_name(std::string_view text, std::string_view more) {
  if (text.empty() || text.size() > 255) return false;
  return std::ranges::all_of(text, [more](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           more.find(c) != std::string_view::npos;
  });
}

Result<int> read_days(std::string_view text) {
  int days = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), days);
  if (error == std::errc() && end == text.data() + text.size() && days >= 1 && days <= kDaysMax) {
    return days;
  }
  return fail(Code::kInvalid, "`days` is 1 to {}", kDaysMax);
}

// The newest first, in the order of bytes; the plain number is for people.
std::string key_of(const BucketAnchor& anchor, std::uint64_t size) {
  return fmt::format("{}{:016x}-{}.checkpoint", anchor.prefix, ~size, size);
}

// The second line of a checkpoint.
std::string size_said(std::string_view checkpoint) {
  const std::size_t first = checkpoint.find('\n');
  if (first == std::string_view::npos) return "";
  const std::string_view rest = checkpoint.substr(first + 1);
  return std::string(rest.substr(0, rest.find('\n')));
}

class AnchorBucket : public ledger::AnchorPlace {
 public:
  AnchorBucket(std::string name, BucketAnchor anchor, aws::Bucket bucket, const Clock& clock)
      : name_(std::move(name)),
        anchor_(std::move(anchor)),
        bucket_(std::move(bucket)),
        clock_(clock) {}

  const std::string& name() const override { return name_; }

  Result<std::optional<std::string>> read() const override {
    TRY(const auto newest, bucket_.find_first(anchor_.prefix));
    if (!newest) return std::nullopt;
    TRY(std::string checkpoint, bucket_.get(*newest));
    // An older one under a newer name would hide the newest.
    if (!newest->key.ends_with(fmt::format("-{}.checkpoint", size_said(checkpoint)))) {
      return fail(Code::kCorrupt, "`{}` in `{}` is not the checkpoint of its name",
                  printable(newest->key, 200), name_);
    }
    return checkpoint;
  }

  Result<void> write(std::string_view checkpoint, std::uint64_t size) const override {
    return bucket_.put_locked(key_of(anchor_, size), std::string(checkpoint),
                              clock_.now() + std::chrono::hours(24) * anchor_.days);
  }

 private:
  const std::string name_;
  const BucketAnchor anchor_;
  const aws::Bucket bucket_;
  const Clock& clock_;
};

Result<http::Origin> origin_of(const AwsConfig& config, const std::string& region) {
  if (const auto own = config.upstreams.find("s3"); own != config.upstreams.end()) {
    return http::parse_origin(own->second);
  }
  if (config.upstream) return http::parse_origin(*config.upstream);
  const std::string_view suffix = region.starts_with("cn-") ? ".cn" : "";
  return http::Origin{"https", fmt::format("s3.{}.amazonaws.com{}", region, suffix), 443};
}

}  // namespace

bool is_bucket_anchor(std::string_view text) { return text.starts_with(kScheme); }

Result<BucketAnchor> parse_bucket_anchor(std::string_view text) {
  BucketAnchor anchor;
  const std::size_t query = std::min(text.find('?'), text.size());
  const std::string_view path = text.substr(kScheme.size(), query - kScheme.size());
  const std::size_t slash = path.find('/');
  anchor.bucket = path.substr(0, slash);
  if (slash != std::string_view::npos) anchor.prefix = path.substr(slash + 1);
  while (anchor.prefix.ends_with('/')) anchor.prefix.pop_back();
  std::string_view rest = text.substr(std::min(query + 1, text.size()));
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('&'), rest.size());
    const std::string_view pair = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (pair.starts_with("region=")) {
      anchor.region = pair.substr(7);
    } else if (pair.starts_with("days=")) {
      TRY(anchor.days, read_days(pair.substr(5)));
    } else {
      return fail(Code::kInvalid, "`{}` is no part of {}", printable(pair, 64), kForm);
    }
  }
  const bool good =
      is_name(anchor.bucket, ".-") && is_name(anchor.prefix, "._-/") && is_name(anchor.region, "-");
  if (!good) return fail(Code::kInvalid, "`{}` has not the form {}", printable(text, 200), kForm);
  anchor.prefix += '/';
  return anchor;
}

Result<std::unique_ptr<ledger::AnchorPlace>> anchor_bucket(const std::string& name,
                                                           const AwsConfig& config,
                                                           vault::Vault& vault,
                                                           const Clock& clock) {
  TRY(BucketAnchor anchor, parse_bucket_anchor(name));
  TRY(const http::Origin origin, origin_of(config, anchor.region));
  aws::Bucket bucket(vault, clock, {origin, anchor.region, anchor.bucket});
  return std::make_unique<AnchorBucket>(name, std::move(anchor), std::move(bucket), clock);
}

}  // namespace keyturn::app
