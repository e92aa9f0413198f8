// A whole API over a real store, ledger, identity, review and gate, reached over a real socket.
#pragma once

#include <filesystem>

#include "api/api.h"

namespace keyturn::api {

class World {
 public:
  World();
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  struct Asked {
    int status = 0;
    Json body;  // null when it is no JSON
    http::Headers headers;
    std::string text;
  };
  // Asks as `person` (a token from `tokens`), or as nobody when empty.
  Asked ask(std::string_view method, std::string_view target, const std::string& person = "",
            std::string body = "", http::Headers more = {}) const;
  Asked get(std::string_view target, const std::string& person) const;
  Asked post(std::string_view target, const std::string& person, const Json& body) const;

  // Makes a member through the API and keeps the token.
  void add_person(const std::string& id);
  // Holds an action of a new session of `agent` and returns its change.
  std::string hold_change(const std::string& agent, const std::string& owner);
  std::vector<std::string> ledger_kinds() const;

  std::string folder;
  std::map<std::string, std::string> tokens;  // `root` is an administrator
  ManualClock clock;
  SeededRandom random{7};
  MemoryLog log;
  Metrics metrics;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<ledger::Ledger> ledger;
  std::unique_ptr<identity::Identity> identity;
  std::unique_ptr<vault::Vault> vault;
  std::unique_ptr<review::Reviews> reviews;
  std::unique_ptr<gate::Gate> gate;
  std::unique_ptr<http::Loops> loops;
  std::unique_ptr<Api> api;
  std::unique_ptr<http::Server> server;
};

}  // namespace keyturn::api
