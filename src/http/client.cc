#include <boost/asio/post.hpp>

#include "http/client_pool.h"

namespace keyturn::http {
namespace {

class PooledClient final : public Client {
 public:
  explicit PooledClient(std::vector<std::shared_ptr<ClientPool>> pools)
      : pools_(std::move(pools)) {}

  // A pool's connections end on their own loop.
  ~PooledClient() override {
    for (std::shared_ptr<ClientPool>& pool : pools_) {
      const Executor executor = pool->executor();
      boost::asio::post(executor, [last = std::move(pool)] {});
    }
  }

  Task<ClientResponse> send(Origin origin, RequestHead head, Body& body,
                            ClientFailure* failure) override {
    const Executor here = co_await boost::asio::this_coro::executor;
    const auto pool = std::find_if(
        pools_.begin(), pools_.end(),
        [&here](const std::shared_ptr<ClientPool>& other) { return other->executor() == here; });
    CHECK(pool != pools_.end());
    // The pool lives on if the client goes while the request is under way.
    const std::shared_ptr<ClientPool> held = *pool;
    co_return co_await held->send(std::move(origin), std::move(head), body, failure);
  }

 private:
  std::vector<std::shared_ptr<ClientPool>> pools_;
};

}  // namespace

Result<std::unique_ptr<Client>> Client::create(Loops& loops, ClientOptions options, Log&) {
  TRY(const std::shared_ptr<TlsContext> tls, TlsContext::client(options.ca_file));
  std::vector<std::shared_ptr<ClientPool>> pools;
  for (std::size_t i = 0; i < loops.size(); ++i) {
    pools.push_back(std::make_shared<ClientPool>(loops.executor(i), options, tls));
  }
  return std::make_unique<PooledClient>(std::move(pools));
}

}  // namespace keyturn::http
