#include <filesystem>

#include "api/api.h"
#include "app/app.h"
#include "app/folder.h"
#include "app/metadata_fetch.h"
#include "gate/gate.h"
#include "review/review.h"
#include "store/transfer.h"

namespace keyturn::app {
namespace {

Result<std::unique_ptr<store::Store>> open_engine(const Config& config, const Needs& needs) {
  if (needs.open_store) return needs.open_store(needs);
  if (config.postgres.empty()) {
    return store::open_sqlite({.path = database_file(config.data_path)}, needs.clock, needs.log,
                              needs.metrics);
  }
  return context(store::open_postgres({.url = config.postgres, .folder = config.data_path},
                                      needs.clock, needs.log, needs.metrics),
                 config.where("data", "postgres"));
}

Result<std::unique_ptr<store::Store>> open_store(const Config& config, const Needs& needs) {
  TRY(auto store, open_engine(config, needs));
  TRY_VOID(store::refuse_half_import(*store));
  return store;
}

}  // namespace

std::string version() { return KEYTURN_VERSION; }

Result<bool> has_records(const Config& config, const Needs& needs) {
  if (config.postgres.empty()) return std::filesystem::exists(database_file(config.data_path));
  TRY(const auto store, open_store(config, needs));
  TRY(const auto ledger, ledger::Ledger::open(*store, needs.clock));
  TRY(const ledger::Head head, ledger->head());
  return head.size > 0;
}

Result<std::unique_ptr<Core>> Core::open(const Config& config, const Needs& needs) {
  auto core = std::make_unique<Core>();
  core->forward = std::make_unique<ForwardClock>(needs.clock);
  TRY_VOID(create_folder(config.data_path));
  TRY(const crypto::SealingKey key,
      read_sealing_key(
          {.folder = config.data_path,
           .credentials_folder = needs.environment("CREDENTIALS_DIRECTORY").value_or("")}));
  TRY(core->store, open_store(config, needs));
  TRY(core->ledger, ledger::Ledger::open(*core->store, needs.clock));
  TRY(core->identity, identity::Identity::open(*core->store, *core->forward, needs.random, key));
  TRY(core->vault, vault::Vault::open(*core->store, needs.clock, needs.random, needs.log, key,
                                      {.name = config.vault.name,
                                       .sources = config.vault.sources,
                                       .profile = config.vault.profile,
                                       .home = needs.environment("HOME").value_or("")},
                                      needs.environment, metadata_fetch()));
  return core;
}

Result<void> prepare_rooms(Core& core, const Needs& needs) {
  TRY_VOID(review::Reviews::open(*core.store, *core.identity, *core.forward, needs.random, {}));
  TRY_VOID(gate::Gate::prepare(*core.store));
  return api::Api::prepare(*core.store);
}

}  // namespace keyturn::app
