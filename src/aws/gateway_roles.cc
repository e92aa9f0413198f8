#include "aws/gateway_roles.h"

namespace keyturn::aws {

Result<void> Roles::keep(const identity::Session& session, Signer signer, Time expiry) {
  const Time now = clock_.now();
  const std::scoped_lock lock(mutex_);
  // Those of sessions that are over go first.
  std::erase_if(kept_, [&](const auto& entry) {
    return entry.second.expiry <= now || identity_.find_key(entry.second.access_key_id) == nullptr;
  });
  if (kept_.size() >= kRolesMax) {
    return fail(Code::kExhausted, "{} sessions act as roles, as many as may", kRolesMax);
  }
  kept_[session.id] = {session.access_key_id, std::move(signer), expiry};
  return {};
}

Roles::Signer Roles::find(const SessionId& session) const {
  const std::scoped_lock lock(mutex_);
  const auto found = kept_.find(session);
  if (found == kept_.end() || found->second.expiry <= clock_.now()) return nullptr;
  return found->second.signer;
}

std::size_t Roles::count() const {
  const std::scoped_lock lock(mutex_);
  return kept_.size();
}

Checked<Roles::Signer> find_signer(const Roles& roles, const vault::Vault& vault,
                                   const identity::Session& session) {
  if (session.acts_as.empty()) {
    auto signer = vault.signer();
    if (!signer) return refuse(Fault::kUnavailable, "{}", signer.error().message);
    return std::move(*signer);
  }
  if (auto signer = roles.find(session.id)) return signer;
  return refuse(Fault::kExpiredToken,
                "this gateway does not hold the credentials of {} (it was restarted, another one "
                "asked for them, or they have expired); assume the role again",
                session.acts_as);
}

}  // namespace keyturn::aws
