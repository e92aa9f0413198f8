// What the fuzz targets of request parsers share: the oracle of invariant 11. What understand()
// passes on, it reads again as the same action, the same digest and the same bytes.
#pragma once

#include <memory>
#include <string>

#include "aws/aws.h"
#include "aws/model.h"
#include "aws/understand.h"

namespace keyturn::aws {

inline const Model& fuzz_model() {
  static const std::shared_ptr<const Model> model = *load_embedded_model();
  return *model;
}

// An operation of a service that speaks `protocol`, chosen by two bytes.
inline const Operation* choose_operation(char protocol, unsigned first, unsigned second) {
  static std::vector<const Operation*> found;
  static char of = '\0';
  if (of != protocol) {
    found.clear();
    of = protocol;
    for (const Operation& operation : fuzz_model().operations()) {
      if (fuzz_model().service_of(operation).speaks(protocol)) found.push_back(&operation);
    }
  }
  return found.empty() ? nullptr : found[(first * 256 + second) % found.size()];
}

inline Result<Understood> fuzz_read(const Scope& scope, const http::RequestHead& head,
                                    std::optional<std::string_view> body) {
  return understand(fuzz_model(), scope, head, body,
                    {.account = "123456789012", .hosts = {"gate.example"}});
}

inline void check_forward(const Scope& scope, const http::RequestHead& head,
                          std::optional<std::string_view> body) {
  const auto first = fuzz_read(scope, head, body);
  if (!first) return;
  const Forward& forward = first->forward;
  http::RequestHead again{forward.method, forward.target, forward.headers};
  // Which service of several the client meant is said to the gate, not to upstream.
  constexpr std::string_view kHint = "/_svc/";
  if (head.target.starts_with(kHint)) {
    again.target.insert(0, fmt::format("{}{}", kHint, first->model_service));
  }
  // A bucket in the host's name is in the path by now.
  if (again.headers.count("host") == 0) again.headers.add("Host", "gate.example");
  std::optional<std::string_view> same_body = body;
  if (forward.body) same_body = *forward.body;
  const auto second = fuzz_read(scope, again, same_body);
  CHECK(second);
  CHECK(first->action.digest == second->action.digest);
  CHECK(first->action.operation == second->action.operation);
  CHECK(first->action.effect == second->action.effect);
  CHECK(first->action.resources == second->action.resources);
  CHECK(first->forward.body == second->forward.body);
  CHECK(first->forward.target == second->forward.target);
  CHECK(!first->action.resources.empty());
  // What is not understood destroys.
  CHECK(first->action.understood || first->action.effect == Effect::kDestroy);
}

}  // namespace keyturn::aws
