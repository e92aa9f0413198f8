#include <algorithm>

#include "aws/aws.h"
#include "aws/gateway_ask.h"
#include "aws/gateway_passage.h"

namespace keyturn::aws {
namespace {

// At 100 resources a page: what the inventory can hold.
constexpr std::size_t kPagesMax = Inventory::kResourcesMax / 100;
constexpr std::size_t kRegionsMax = 64;  // AWS has fewer

class SigningGateway final : public Gateway {
 public:
  SigningGateway(Needs needs, GatewayOptions options)
      : shared_(std::move(needs), std::move(options)) {}

  http::Task<> handle(http::Exchange& exchange) override {
    Passage passage(shared_, exchange);
    co_return co_await passage.run();
  }

  http::Task<> follow_tags(std::vector<std::string> regions) override {
    Result<void> whole;
    for (const TagNews::Batch& batch : shared_.tag_news.take()) {
      // Elsewhere no refresh would take back what is learned.
      if (std::find(regions.begin(), regions.end(), batch.region) == regions.end()) continue;
      auto followed = co_await follow(batch);
      if (!followed) whole = fail(std::move(followed.error()).context(batch.region));
    }
    co_return whole;
  }

  http::Task<> refresh_tags(std::vector<std::string> regions) override {
    if (regions.size() > kRegionsMax) {
      co_return fail(Code::kInvalid, "more than {} regions", kRegionsMax);
    }
    Result<void> whole;
    for (const std::string& region : regions) {
      auto refreshed = co_await refresh_region(region);
      // What is known of a region stays until it can be replaced whole.
      if (!refreshed) whole = fail(std::move(refreshed.error()).context(region));
    }
    co_return whole;
  }

 private:
  http::Task<> refresh_region(std::string region) {
    std::vector<TaggedResource> known;
    // Stacks first: where both list a resource, the tagging service has the last word.
    CO_TRY_VOID(co_await collect(stacks_call(region), known));
    CO_TRY_VOID(co_await collect(resources_call(region), known));
    const std::size_t count = known.size();
    shared_.inventory.replace(region, std::move(known));
    shared_.needs.log.info("inventory.refreshed",
                           {{"region", region}, {"resources", std::to_string(count)}});
    co_return Result<void>();
  }

  http::Task<> follow(const TagNews::Batch& batch) {
    std::vector<TaggedResource> found;
    if (batch.stacks) CO_TRY_VOID(co_await collect(stacks_call(batch.region), found));
    if (!batch.names.empty()) {
      Call call = resources_call(batch.region);
      call.body = [&](std::string_view) { return get_named_resources_body(batch.names); };
      CO_TRY_VOID(co_await collect(std::move(call), found));
    }
    shared_.inventory.update(batch.region, batch.names, std::move(found));
    co_return Result<void>();
  }

  // A paginated operation of upstream.
  struct Call {
    Forward forward;
    std::function<std::string(std::string_view)> body;
    std::function<Result<ResourcePage>(std::string_view)> parse;
  };
  static Call resources_call(const std::string& region) {
    Call call;
    call.forward = {.service = "resourcegroupstaggingapi",
                    .signing_name = "tagging",
                    .region = region,
                    .host_prefix = "",
                    .method = "POST",
                    .target = "/",
                    .headers = {{"content-type", "application/x-amz-json-1.1"},
                                {"x-amz-target", "ResourceGroupsTaggingAPI_20170126.GetResources"}},
                    .body = std::nullopt};
    call.body = get_resources_body;
    call.parse = parse_resources;
    return call;
  }
  static Call stacks_call(const std::string& region) {
    Call call;
    call.forward = query_call("cloudformation", region);
    call.body = describe_stacks_body;
    call.parse = parse_stacks;
    return call;
  }

  http::Task<> collect(Call call, std::vector<TaggedResource>& known) {
    std::string next;
    for (std::size_t page_number = 0; page_number < kPagesMax; ++page_number) {
      CO_TRY(const auto signer, shared_.needs.vault.signer());
      CO_TRY(const std::string answer,
             co_await ask_upstream(shared_, signer, call.forward, call.body(next)));
      CO_TRY(ResourcePage page, call.parse(answer));
      for (auto& resource : page.resources) {
        if (known.size() < Inventory::kResourcesMax) known.push_back(std::move(resource));
      }
      if (page.next.empty() || page.next == next) break;
      next = std::move(page.next);
    }
    co_return Result<void>();
  }

  Shared shared_;
};

}  // namespace

Result<std::unique_ptr<Gateway>> Gateway::create(Needs needs, GatewayOptions options) {
  if (needs.model == nullptr) return fail(Code::kInvalid, "the gateway needs a model");
  if (options.clock_skew_max <= Duration::zero() ||
      options.clock_skew_max > std::chrono::hours(1)) {
    return fail(Code::kInvalid, "clock_skew_max must be above 0 and at most 1 h");
  }
  if (options.hold_wait < Duration::zero() || options.hold_wait > std::chrono::minutes(10)) {
    return fail(Code::kInvalid, "hold_wait must be 0 to 10 min");
  }
  for (const auto& [service, url] : options.upstream_by_service) {
    TRY_VOID(context(http::parse_origin(url), fmt::format("upstream of `{}`", service)));
  }
  if (options.upstream) TRY_VOID(context(http::parse_origin(*options.upstream), "upstream"));
  return std::make_unique<SigningGateway>(std::move(needs), std::move(options));
}

}  // namespace keyturn::aws
