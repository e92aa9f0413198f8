#include "aws/gateway_ask.h"

#include "aws/gateway_forward.h"

namespace keyturn::aws {
namespace {

constexpr std::uint64_t kAnswerBytesMax = 16U << 20U;

http::Task<TemplateDiff> ask_change_set(Shared& shared, std::shared_ptr<const vault::Signer> signer,
                                        Forward call, Wanted wanted) {
  const Model& model = *shared.needs.model;
  CO_TRY(const std::string text,
         co_await ask_upstream(shared, signer, call, get_template_body(wanted)));
  CO_TRY(const Json body, parse_template_answer(text));
  std::vector<TemplateChange> changes;
  Guards guards = Guards::kKept;
  std::string next;
  for (std::size_t page_number = 0; page_number < kChangeSetPagesMax; ++page_number) {
    CO_TRY(const std::string answer,
           co_await ask_upstream(shared, signer, call, describe_change_set_body(wanted, next)));
    CO_TRY(ChangeSetPage page, parse_change_set(model, answer));
    for (TemplateChange& change : page.changes) changes.push_back(std::move(change));
    if (page.guards == Guards::kTouched) guards = page.guards;
    if (page.next.empty()) {
      name_roles(body, changes);
      co_return judge_changes(model, std::move(changes), guards);
    }
    next = std::move(page.next);
  }
  co_return fail(Code::kExhausted, "the change set has more than {} pages", kChangeSetPagesMax);
}

}  // namespace

Forward query_call(std::string_view service, std::string_view region) {
  return {.service = std::string(service),
          .signing_name = std::string(service),
          .region = std::string(region),
          .host_prefix = "",
          .method = "POST",
          .target = "/",
          .headers = {{"content-type", "application/x-www-form-urlencoded; charset=utf-8"}},
          .body = std::nullopt};
}

http::Task<std::string> ask_upstream(Shared& shared, std::shared_ptr<const vault::Signer> signer,
                                     Forward call, std::string body) {
  CO_TRY(const http::Origin origin, upstream_origin(*shared.needs.model, call, shared.upstreams));
  http::RequestHead head{
      .method = call.method, .target = call.target, .headers = std::move(call.headers)};
  const UpstreamScope scope{.region = call.region, .service = call.signing_name};
  const std::string payload = crypto::sha256(body).hex();
  CO_TRY_VOID(
      sign_for_upstream(head, host_of(origin), payload, scope, shared.needs.clock.now(), *signer));
  http::StringBody sent(std::move(body));
  CO_TRY(http::ClientResponse response,
         co_await shared.needs.client.send(origin, std::move(head), sent));
  CO_TRY(std::string text, co_await http::read_all(*response.body, kAnswerBytesMax));
  if (response.head.status != 200) {
    co_return fail(Code::kUnavailable, "{} answered with status {}", call.service,
                   response.head.status);
  }
  co_return text;
}

http::Task<Deployed> ask_deployed(Shared& shared, std::shared_ptr<const vault::Signer> signer,
                                  Wanted wanted, std::string region) {
  const Forward call = query_call("cloudformation", region);
  Deployed deployed;
  if (!wanted.change_set.empty()) {
    CO_TRY(deployed.change_set, co_await ask_change_set(shared, signer, call, std::move(wanted)));
    co_return deployed;
  }
  CO_TRY(const std::string body,
         co_await ask_upstream(shared, signer, call, get_template_body(wanted)));
  CO_TRY(const std::string stack,
         co_await ask_upstream(shared, signer, call, describe_stack_body(wanted.stack)));
  CO_TRY(deployed.stack, parse_deployed(body, stack));
  co_return deployed;
}

}  // namespace keyturn::aws
