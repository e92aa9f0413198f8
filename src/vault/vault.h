// Upstream credentials: found in the standard AWS places or sealed in the store, refreshed before
// they expire, held in locked memory, never printed, never handed out. Other rooms get signatures,
// not keys. Refreshing blocks and belongs on a background thread; signing is from any thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/result.h"
#include "crypto/crypto.h"
#include "store/store.h"

namespace keyturn::vault {

struct Credentials {
  std::string access_key_id;
  crypto::Secret secret_access_key;
  crypto::Secret session_token;  // empty for long-lived keys
  std::optional<Time> expiry;
};

// A blocking HTTP GET or PUT for instance and container metadata; the app supplies it.
struct MetadataRequest {
  std::string method;
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
};
using MetadataFetch = std::function<Result<std::string>(const MetadataRequest&)>;
// Reads one environment variable of the process; the app supplies it. Nothing when unset.
using Environment = std::function<std::optional<std::string>(std::string_view)>;

// Where credentials come from.
enum class Source {
  kSealed,       // put into the store by `keyturn init` or the API
  kEnvironment,  // AWS_ACCESS_KEY_ID and its companions
  kProfile,      // shared config and credentials files, including credential_process
  kContainer,    // ECS and EKS pod identity endpoint
  kInstance,     // EC2 instance metadata, version 2
};
std::string_view to_string(Source source);
Result<Source> parse_source(std::string_view text);

struct VaultOptions {
  std::string name = "default";  // of the credentials, as configuration refers to them
  std::vector<Source> sources = {Source::kSealed};  // tried in order
  std::string profile = "default";
  std::string home;  // for ~/.aws
};

// Signs for upstream with one set of credentials. Immutable; keep it no longer than one request.
class Signer {
 public:
  virtual ~Signer() = default;
  virtual const std::string& access_key_id() const = 0;
  // To be sent as X-Amz-Security-Token; empty for long-lived keys. Must not reach an agent, a log
  // or the ledger.
  virtual std::string_view session_token() const = 0;
  // Lower-case hex SigV4 signature of a string to sign; `date` is YYYYMMDD.
  virtual std::string sign(std::string_view date, std::string_view region, std::string_view service,
                           std::string_view string_to_sign) const = 0;
  // The same for SigV4a: DER in hex, for every region and service.
  virtual std::string sign_v4a(std::string_view string_to_sign) const = 0;
};

// Of credentials that upstream handed out for one session: never stored. Any thread.
std::shared_ptr<const Signer> make_signer(Credentials credentials);

class Vault {
 public:
  // Its tables alone; open() does this too.
  static Result<void> prepare(store::Store& store);
  // Creates its table. Nothing is fetched before the first refresh().
  static Result<std::unique_ptr<Vault>> open(store::Store& store, const Clock& clock,
                                             Random& random, Log& log,
                                             const crypto::SealingKey& key, VaultOptions options,
                                             Environment environment, MetadataFetch fetch);
  virtual ~Vault() = default;

  // Seals credentials into the store under this vault's name, replacing older ones.
  virtual Result<void> seal(store::Transaction& transaction, const Credentials& credentials) = 0;
  // Finds credentials when there are none or they expire within 5 minutes. kUnavailable lists what
  // was tried and why it did not serve, without any secret.
  virtual Result<void> refresh() = 0;
  // kUnavailable when there are no unexpired credentials.
  virtual Result<std::shared_ptr<const Signer>> signer() const = 0;
  // Where the current credentials came from and when they expire, for operators.
  virtual std::string describe() const = 0;
};

}  // namespace keyturn::vault
