// Oracle: entities that are read can be decided on, with and without a schema; reading never
// crashes or hangs.
#include "cedar/cedar.h"
#include "cedar/explain.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  using namespace keyturn;
  using namespace keyturn::cedar;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Result<Schema> schema = Schema::parse(
      "entity G; entity User in [G] = {n?: Long, ip?: ipaddr, d?: datetime, s?: Set<User>} tags "
      "Long; "
      "action v appliesTo {principal: User, resource: G};");
  CHECK(schema);
  const Result<PolicySet> policies = PolicySet::parse(
      "permit(principal in G::\"g\", action, resource) when { principal.n > 1 || principal.ip == "
      "ip(\"1.1.1.1\") || principal.s.contains(principal) };");
  CHECK(policies);
  for (const Schema* types : {static_cast<const Schema*>(nullptr), &*schema}) {
    const Result<Entities> entities = Entities::parse_json(text, types);
    if (!entities) continue;
    const Result<PreparedRequest> request =
        PreparedRequest::make({{"User", "a"}, {"Action", "v"}, {"G", "g"}, Json()}, types);
    CHECK(request);
    const Explanation explanation = explain(*policies, *entities, *request);
    CHECK(explanation.policies.size() == 1);
  }
  return 0;
}
