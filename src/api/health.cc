// For load balancers, service managers and Prometheus. No secrets, no names of accounts.
#include "api/route.h"
#include "base/random.h"

namespace keyturn::api {
namespace {

// As much as a decision with a request of the usual size and its entry in the ledger.
constexpr std::size_t kProbeBytes = 64U << 10U;

Json check_store(Call& call) {
  const std::int64_t now = to_micros(call.needs.clock.now());
  // An empty transaction, or one of a few bytes, would succeed on a disk that is too full for a
  // decision. Random, because engines compress what they store.
  const std::string room = SeededRandom(static_cast<std::uint64_t>(now)).bytes(kProbeBytes);
  const auto written = call.needs.store.run([&](store::Transaction& transaction) -> Result<void> {
    TRY_VOID(transaction.execute("UPDATE api_probe SET time = ?1, room = ?2 WHERE id = 1",
                                 {now, store::Blob{room}}));
    return {};
  });
  return written ? Json("ok") : Json(written.error().message);
}

Json check_policies(Call& call) {
  return call.needs.gate.policies() ? Json("ok") : Json("no policies are loaded");
}

Json check_credentials(Call& call) {
  const auto signer = call.needs.vault.signer();
  return signer ? Json("ok") : Json(signer.error().message);
}

}  // namespace

Result<Answer> get_health(Call& call) {
  return json_answer(Json::object({{"status", "alive"}, {"version", call.options.version}}));
}

Result<Answer> get_readiness(Call& call) {
  Json checks = Json::object({{"store", check_store(call)},
                              {"policies", check_policies(call)},
                              {"upstream_credentials", check_credentials(call)}});
  bool ready = true;
  for (const auto& [name, result] : *checks.if_object()) ready = ready && result == Json("ok");
  return json_answer(Json::object({{"ready", ready}, {"checks", std::move(checks)}}),
                     ready ? 200 : 503);
}

Result<Answer> get_metrics(Call& call) {
  Answer answer;
  answer.text = call.needs.metrics.render();
  answer.content_type = "text/plain; version=0.0.4; charset=utf-8";
  return answer;
}

}  // namespace keyturn::api
