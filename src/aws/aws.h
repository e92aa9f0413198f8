// The AWS gateway: recognises who signed a request, verifies the signature, understands operation,
// resources and effect, asks the gate, re-signs with credentials the agent never sees, forwards and
// streams the answer back. Denials come in the service's own error shape. One Gateway serves all
// loops.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "action/action.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/random.h"
#include "base/result.h"
#include "gate/gate.h"
#include "http/http.h"
#include "identity/identity.h"
#include "vault/vault.h"

namespace keyturn::aws {

// What botocore and iam-data know, with our overlays; immutable. See docs/format/aws-model.md.
class Model;
// The model compiled into the binary.
Result<std::shared_ptr<const Model>> load_embedded_model();
Result<std::shared_ptr<const Model>> load_model(std::string_view text);
// `botocore 1.43.67, 2026-08-07, sha256:…`
std::string describe(const Model& model);
// As botocore's partitions write them: `eu-central-1`, where `eu-` is of a known partition. Names
// that stand for several, such as `aws-global`, are none.
bool is_region(const Model& model, std::string_view region);

struct GatewayOptions {
  std::string account = "";       // of the upstream credentials; fills ARNs
  std::string partition = "aws";  // where the region does not say: aws, aws-cn, aws-us-gov
  // `http://127.0.0.1:5000` for every service, or by service (`s3` → …); wins over the model's
  // hosts.
  std::optional<std::string> upstream = std::nullopt;
  std::map<std::string, std::string, std::less<>> upstream_by_service = {};
  // Names under which clients reach the gateway: `bucket.NAME` is S3's virtual-host style.
  std::vector<std::string> host_names = {};
  // Where agents reach the gate, `http://127.0.0.1:7312`: the address that answers name instead of
  // AWS's. Empty: answers are passed on as they are.
  std::string url = "";
  Duration hold_wait = std::chrono::seconds(0);  // how long a held request waits for reviewers
  std::size_t held_requests_max = 10'000;        // in all
  std::size_t held_requests_per_session_max = 100;
  std::size_t judged_at_once_max = 256;  // several batches of the store
  Duration clock_skew_max = std::chrono::minutes(15);
  // Gate::last_decided(): what was signed before is not executed (again).
  Time decided_until = Time::min();
  http::SpooledBody::Limits body = {};
};

class Gateway {
 public:
  struct Needs {
    std::shared_ptr<const Model> model;
    gate::Gate& gate;
    identity::Identity& identity;
    vault::Vault& vault;
    http::Client& client;
    const Environments& environments;
    const Clock& clock;
    Random& random;
    Log& log;
    Metrics& metrics;
  };
  static Result<std::unique_ptr<Gateway>> create(Needs needs, GatewayOptions options);
  virtual ~Gateway() = default;
  // One request, as the http server's handler.
  virtual http::Task<> handle(http::Exchange& exchange) = 0;
  // Loads resource tags from upstream (resourcegroupstaggingapi:GetResources) for the given
  // regions; run at start and periodically on a loop.
  virtual http::Task<> refresh_tags(std::vector<std::string> regions) = 0;
  // Asks upstream for the tags of what executed requests have touched in these regions since the
  // last call; run every few seconds on a loop. Quick when there is nothing.
  virtual http::Task<> follow_tags(std::vector<std::string> regions) = 0;
};

// What the requests that were explained so far destroyed, by access key: those of one key are taken
// for one session, in the order they come. Bounded: of many keys or things, later ones are not
// remembered.
class ExplainedSessions {
 public:
  // What was destroyed under that key before.
  const std::vector<Destroyed>& before(const std::string& access_key_id) const;
  void add(const std::string& access_key_id, const Action& action);

 private:
  std::map<std::string, std::vector<Destroyed>> by_key_;
  std::size_t count_ = 0;
};

// One JSON line {"method","url","headers","body_base64"} in, one line of what is understood out.
std::string explain(const Model& model, const Environments& environments, std::string_view account,
                    std::string_view line, ExplainedSessions& sessions);

}  // namespace keyturn::aws
