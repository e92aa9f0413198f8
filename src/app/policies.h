// Policy packs: the one built into the binary, and those in a folder.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "gate/gate.h"

namespace keyturn::app {

struct PolicyPack {
  std::vector<gate::Policies::File> files;
  gate::Policies::File schema;
};

// The default pack, from policies/ at build time.
PolicyPack embedded_policies();

// Every *.cedar of a folder in name order, and keyturn.cedarschema (the built-in schema when the
// folder has none). kNotFound when the folder has no policy.
Result<PolicyPack> read_policies(const std::string& folder);

// The pack of a folder, or the built-in one when `folder` is empty, parsed and validated.
Result<std::shared_ptr<const gate::Policies>> load_policies(const std::string& folder);

}  // namespace keyturn::app
