#include "aws/gateway_parts.h"

namespace keyturn::aws {
namespace {

// All bodies together; one alone may have kParsedBodyBytesMax.
constexpr std::uint64_t kBodyMemoryBytesMax = std::uint64_t{512} << 20U;
// Uploads that are spooled because they need review; a few of S3's largest at once.
constexpr std::uint64_t kSpoolDiskBytesMax = std::uint64_t{20} << 30U;
// Refusals of unauthenticated requests that are recorded; all are counted.
constexpr std::size_t kRecordedRefusalsPerSecond = 100;

constexpr std::string_view kRequests = "keyturn_aws_requests_total";
constexpr std::string_view kRequestsHelp = "AWS requests by what became of them";

std::array<Histogram*, 6> stage_histograms(Metrics& metrics) {
  constexpr std::array<std::string_view, 6> kNames = {"verify", "understand", "decide",
                                                      "sign",   "upstream",   "answer"};
  std::array<Histogram*, 6> out{};
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    out[i] = &metrics.histogram("keyturn_aws_stage_seconds", "Time of one AWS request by stage",
                                fmt::format("stage=\"{}\"", kNames[i]));
  }
  return out;
}

}  // namespace

bool HeldSlots::take(const SessionId& session) {
  const std::scoped_lock lock(mutex_);
  std::size_t& count = by_session_[session];
  if (total_ >= total_max_ || count >= session_max_) {
    if (count == 0) by_session_.erase(session);
    return false;
  }
  ++count;
  ++total_;
  held_.add(1);
  return true;
}

void HeldSlots::give_back(const SessionId& session) {
  const std::scoped_lock lock(mutex_);
  const auto found = by_session_.find(session);
  CHECK(found != by_session_.end() && total_ > 0);
  --total_;
  held_.add(-1);
  if (--found->second == 0) by_session_.erase(found);
}

bool PerSecond::admit(Instant now) {
  const std::int64_t second = now.micros / 1'000'000;
  const std::scoped_lock lock(mutex_);
  if (second != second_) {
    second_ = second;
    count_ = 0;
  }
  return ++count_ <= count_max_;
}

Shared::Shared(Gateway::Needs given_needs, GatewayOptions given_options)
    : needs(std::move(given_needs)),
      options(std::move(given_options)),
      upstreams{.partition = options.partition,
                .everywhere = options.upstream,
                .by_service = options.upstream_by_service},
      understand_options{.account = options.account,
                         .partition = options.partition,
                         .hosts = options.host_names,
                         .gate_url = options.url},
      replay(options.clock_skew_max, options.decided_until),
      roles(needs.identity, needs.clock),
      held(std::make_shared<HeldSlots>(
          options.held_requests_max, options.held_requests_per_session_max,
          needs.metrics.gauge("keyturn_aws_held_requests",
                              "AWS requests that wait for reviewers"))),
      turns(std::make_shared<Turns>(options.judged_at_once_max)),
      body_memory(std::make_shared<ByteBudget>(kBodyMemoryBytesMax)),
      spool_disk(std::make_shared<ByteBudget>(kSpoolDiskBytesMax)),
      recorded_refusals(kRecordedRefusalsPerSecond),
      stages(stage_histograms(needs.metrics)),
      allowed(needs.metrics.counter(kRequests, kRequestsHelp, "verdict=\"allow\"")),
      held_count(needs.metrics.counter(kRequests, kRequestsHelp, "verdict=\"hold\"")),
      denied(needs.metrics.counter(kRequests, kRequestsHelp, "verdict=\"deny\"")),
      refused(needs.metrics.counter(kRequests, kRequestsHelp, "verdict=\"refused\"")),
      unrecorded(needs.metrics.counter("keyturn_aws_refusals_unrecorded_total",
                                       "Refusals beyond what the ledger takes per second")) {}

void Shared::observe(Stage stage, Instant since) {
  stages[static_cast<std::size_t>(stage)]->observe(needs.clock.monotonic() - since);
}

}  // namespace keyturn::aws
