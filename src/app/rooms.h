// The rooms of a server, wired: everything between its doors and its disk, with no port and no
// thread of its own. App puts loops, ports and threads around it; the simulator puts a virtual
// clock and a scripted world around the same.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "api/api.h"
#include "app/app.h"
#include "app/follower.h"
#include "aws/aws.h"
#include "gate/gate.h"
#include "http/http.h"
#include "ledger/anchors.h"
#include "ledger/publisher.h"
#include "ledger/witness.h"
#include "review/review.h"
#include "store/news.h"

namespace keyturn::app {

// Work that comes again and again.
struct Job {
  Duration interval;
  std::function<void()> work;  // may block on the store, not for ever
};

class Rooms {
 public:
  // What the gateways stand on; outlives the requests, not necessarily the Rooms.
  struct Outside {
    http::Loops& loops;
    http::Client& client;
    std::optional<http::Executor> api_executor{};  // as ApiOptions has it
    std::shared_ptr<const aws::Model> model{};     // null: the embedded one is loaded
  };

  // Store, ledger, identity, vault, reviews, gate with its policies, and the publisher; settles
  // what a crash left open.
  static Result<std::unique_ptr<Rooms>> open(const Config& config, const Needs& needs);
  // For open() alone.
  Rooms(Config config, const Needs& needs) : config_(std::move(config)), needs_(needs) {}

  // The gateway to AWS, the API, and the first look at the vault's credentials. Once.
  Result<void> open_gateways(const Outside& outside);
  // After open_gateways().
  aws::Gateway& gateway() { return *gateway_; }
  api::Api& api() { return *api_; }
  Core& core() { return *core_; }
  gate::Gate& gate() { return *gate_; }
  review::Reviews& reviews() { return *reviews_; }

  // Reads the policies anew. On an error the old ones stay in force. Blocks.
  Result<void> reload_policies();
  // Expired changes, credentials, tags.
  std::vector<Job> upkeep();
  // Apart, so that nothing else delays it.
  std::vector<Job> publishing();
  // Apart from both, because witnesses may be slow or away. Empty without a trust policy.
  std::vector<Job> witnessing();
  // Apart too: another disk may hang. Empty without anchors.
  std::vector<Job> anchoring();

  // What other gateways over the same database do; each run waits for news of them, a second at
  // most. Empty where there can be none.
  std::vector<Job> following();

  // Starts a refresh of the tags on a loop unless one is running; `done` is called when it ends.
  void refresh_tags(std::function<void()> done);
  // Waits for a refresh that runs on a loop.
  void wait_for_tags(Duration timeout);
  // Once the loops have stopped: publishes what the last requests have added, closes the store.
  void close();

 private:
  Result<void> open_gate();
  Result<void> look_at_clock();
  void watch_clock();
  Result<void> settle();
  Result<void> look_at_rights();
  Result<void> open_publisher();
  // Whether other gateways may write to the same database.
  bool is_shared() const;
  Result<void> open_follower();
  void settle_others();
  void publish();
  Result<void> open_witnesses();
  void ask_witnesses();
  Result<void> check_anchors() const;
  ledger::Anchors::Round anchor(std::uint64_t unsaid);
  void anchor_and_record();
  Result<void> open_gateway();
  Result<void> open_api();
  void sweep();
  void refresh_credentials();
  bool begin_tags();
  http::Task<> run_tags(http::Task<> asking, std::function<void()> done);
  void follow_tags();

  const Config config_;
  const Needs needs_;
  std::optional<Outside> outside_;
  std::mutex tags_mutex_;
  std::condition_variable tags_ended_;
  bool refreshing_tags_ = false;  // under tags_mutex_
  std::atomic<bool> credentials_missing_{false};

  // In the order they are opened; taken down in reverse.
  std::unique_ptr<Core> core_;
  std::unique_ptr<ledger::Publisher> publisher_;
  std::unique_ptr<review::Reviews> reviews_;
  std::unique_ptr<gate::Gate> gate_;
  std::unique_ptr<ledger::Witnesses> witnesses_;  // null without a trust policy
  std::unique_ptr<ledger::Anchors> anchors_;
  std::unique_ptr<Follower> follower_;  // null where there is nobody to follow
  std::unique_ptr<store::News> news_;   // null where none comes
  std::unique_ptr<Environments> environments_;
  std::unique_ptr<aws::Gateway> gateway_;
  std::unique_ptr<api::Api> api_;
  std::optional<Time> decided_until_;  // by earlier lives of the server
  Duration clock_told_{};              // the keeper's
  std::string publish_error_;          // the last one; the publishing thread's
  std::string witness_faults_;         // the last ones; the witnessing thread's
  std::string anchor_faults_;  // the last ones; the anchoring thread's, then that of close()
};

}  // namespace keyturn::app
