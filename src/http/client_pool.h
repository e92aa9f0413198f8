// The client's connections on one loop. Everything here is touched on that loop only. Shared by the
// client and the bodies of answers under way, which give their connection back.
#pragma once

#include <map>

#include "http/body_reader.h"

namespace keyturn::http {

struct ClientRequest;

// One connection to an origin.
struct Upstream {
  Upstream(Executor executor, Origin to) : stream(Socket(executor)), origin(std::move(to)) {}
  Stream stream;
  ReadBuffer buffer;
  Origin origin;
  bool reused = false;
};

class ClientPool : public std::enable_shared_from_this<ClientPool> {
 public:
  ClientPool(Executor executor, ClientOptions options, std::shared_ptr<TlsContext> tls);

  Task<ClientResponse> send(Origin origin, RequestHead head, Body& body, ClientFailure* failure);
  const Executor& executor() const { return executor_; }
  const ClientOptions& options() const { return options_; }

  // A connection whose answer was read to its end.
  void give_back(std::unique_ptr<Upstream> upstream);

 private:
  struct Idle {
    std::vector<std::unique_ptr<Upstream>> connections;  // the freshest last
    TlsSession session;
  };
  using Request = ClientRequest;
  enum class Reuse { kAllowed, kFresh };

  Task<ClientResponse> attempt(Request& request);
  Task<std::unique_ptr<Upstream>> write_start(Request& request);
  Task<std::unique_ptr<Upstream>> acquire(Origin origin, Reuse reuse);
  Task<std::unique_ptr<Upstream>> connect(Origin origin);
  Task<std::vector<Endpoint>> resolve(Origin origin, Instant deadline);
  Task<> write_body(Request& request, Upstream& upstream);
  Task<ClientResponse> read_answer(Request& request, std::unique_ptr<Upstream> upstream);
  Idle& idle_of(const Origin& origin);

  const Executor executor_;
  const ClientOptions options_;
  const std::shared_ptr<TlsContext> tls_;
  std::map<Origin, Idle> idle_;
};

}  // namespace keyturn::http
