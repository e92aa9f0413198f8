// The data folder and the sealing key in it. Everything in the folder is private to the user that
// runs Keyturn; the key that seals session secrets and upstream credentials is a file of its own,
// or a systemd credential, so that a copy of the database alone opens nothing.
#pragma once

#include <string>

#include "base/random.h"
#include "base/result.h"
#include "crypto/crypto.h"
#include "ledger/log_key.h"

namespace keyturn::app {

inline constexpr const char* kSealingKeyFile = "sealing.key";                // in the data folder
inline constexpr const char* kSealingKeyCredential = "keyturn-sealing-key";  // of systemd

// Creates the folder with mode 0700 when it is missing; its parent must exist. kUnavailable.
Result<void> create_folder(const std::string& path);
std::string database_file(const std::string& folder);

// Writes a new key, readable by its owner only. kConflict when there is one already.
Result<void> create_sealing_key(const std::string& folder, Random& random);
bool has_sealing_key(const std::string& folder);

struct SealingKeyPlaces {
  std::string folder;
  std::string
      credentials_folder;  // systemd's $CREDENTIALS_DIRECTORY, or empty; wins when it has the key
};
// kNotFound says to run `keyturn init`; kDenied when others may read the file; kCorrupt when it is
// no key.
Result<crypto::SealingKey> read_sealing_key(const SealingKeyPlaces& places);

// Where the ledger's tiles and checkpoint are, and the key that signs them.
inline constexpr const char* kLedgerKeyFile = "ledger.key";  // in the data folder
std::string ledger_folder(const std::string& folder);
bool has_ledger_key(const std::string& folder);
// An empty `origin` makes one that nobody else has. kConflict when there is a key already, or a
// checkpoint that another one signed.
Result<void> create_ledger_key(const std::string& folder, const std::string& origin,
                               Random& random);
Result<ledger::LogKey> read_ledger_key(const std::string& folder);

}  // namespace keyturn::app
