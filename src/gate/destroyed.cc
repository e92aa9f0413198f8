#include "gate/destroyed.h"

namespace keyturn::gate {

Result<void> remember_destroyed(store::Transaction& transaction, const SessionId& session,
                                std::uint64_t decided_index, const Action& action, Time now) {
  if (action.effect != Effect::kDestroy && action.effect != Effect::kGrant) return {};
  bool any = false;
  for (const Resource& resource : action.resources) {
    if (resource.name == "*") continue;
    any = true;
    TRY_VOID(transaction.execute(
        "INSERT INTO gate_destroyed (decided_index, resource, session, service, operation, "
        "decided_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
        {static_cast<std::int64_t>(decided_index), recorded_text(resource.name), session.text(),
         recorded_text(action.service), recorded_text(action.operation),
         now.time_since_epoch().count()}));
  }
  if (!any) return {};
  TRY_VOID(
      transaction.execute("DELETE FROM gate_destroyed WHERE session = ?1 AND decided_index < "
                          "(SELECT decided_index FROM gate_destroyed WHERE session = ?1 "
                          "ORDER BY decided_index DESC LIMIT 1 OFFSET ?2)",
                          {session.text(), kDestroyedMax}));
  return {};
}

Result<void> forget_destroyed(store::Transaction& transaction, std::uint64_t decided_index) {
  TRY_VOID(transaction.execute("DELETE FROM gate_destroyed WHERE decided_index = ?1",
                               {static_cast<std::int64_t>(decided_index)}));
  return {};
}

Result<void> sweep_destroyed(store::Transaction& transaction, Time now) {
  const Time before = now - identity::kSessionLifetimeMax;
  TRY_VOID(transaction.execute("DELETE FROM gate_destroyed WHERE decided_at < ?1",
                               {before.time_since_epoch().count()}));
  return {};
}

Result<std::vector<Destroyed>> load_destroyed(store::Transaction& transaction,
                                              const SessionId& session) {
  TRY(const store::Rows rows,
      transaction.query("SELECT service, operation, resource FROM gate_destroyed "
                        "WHERE session = ?1 ORDER BY decided_index, resource",
                        {session.text()}));
  std::vector<Destroyed> destroyed;
  destroyed.reserve(rows.size());
  for (const store::Row& row : rows) destroyed.push_back({row.text(0), row.text(1), row.text(2)});
  return destroyed;
}

}  // namespace keyturn::gate
