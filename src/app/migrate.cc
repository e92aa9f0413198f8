#include "api/api.h"
#include "app/app.h"
#include "gate/gate.h"
#include "ledger/server_rights.h"
#include "review/review.h"
#include "store/transfer.h"

namespace keyturn::app {

Result<void> migrate(const Config& config, const Needs& needs, const Owner& owner) {
  const std::string& url = owner.url.empty() ? config.postgres : owner.url;
  if (config.postgres.empty()) {
    return fail(Code::kInvalid,
                "the record is in SQLite, which has no roles: the server brings its tables up to "
                "date by itself when it starts");
  }
  const store::PostgresOptions options{.url = url};
  {
    TRY(const auto store, store::open_postgres(options, needs.clock, needs.log, needs.metrics));
    TRY_VOID(store::refuse_half_import(*store));
    TRY_VOID(ledger::Ledger::open(*store, needs.clock));
    TRY_VOID(identity::Identity::prepare(*store));
    TRY_VOID(vault::Vault::prepare(*store));
    TRY_VOID(review::Reviews::prepare(*store));
    TRY_VOID(gate::Gate::prepare(*store));
    TRY_VOID(api::Api::prepare(*store));
    store->close();
  }
  if (owner.server_role.empty()) return {};
  return store::grant_server_role(options, owner.server_role, ledger::kServerRights);
}

}  // namespace keyturn::app
