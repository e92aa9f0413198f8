#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "http/client_pool.h"

namespace keyturn::http {
namespace {

// Answers to the command line are listings and documents.
constexpr std::uint64_t kFetchBytesMax = 64U << 20U;

Task<SimpleResponse> fetch_with(std::shared_ptr<ClientPool> pool, Origin origin, RequestHead head,
                                std::string body) {
  StringBody sent(std::move(body));
  CO_TRY(ClientResponse response,
         co_await pool->send(std::move(origin), std::move(head), sent, nullptr));
  SimpleResponse simple;
  simple.status = response.head.status;
  simple.headers = std::move(response.head.headers);
  CO_TRY(simple.body, co_await read_all(*response.body, kFetchBytesMax));
  co_return simple;
}

}  // namespace

Result<SimpleResponse> fetch(Origin origin, RequestHead head, std::string body, Duration timeout) {
  std::shared_ptr<TlsContext> tls;
  if (origin.scheme == "https") {
    TRY(tls, TlsContext::client(""));
  }
  ClientOptions options;
  options.idle_connections_max = 0;
  options.connect_timeout = std::min(options.connect_timeout, timeout);
  options.response_timeout = timeout;
  boost::asio::io_context context(1);
  Result<SimpleResponse> result =
      fail(Code::kTimeout, "no answer within {} ms", timeout.count() / 1000);
  Task<SimpleResponse> running = fetch_with(
      std::make_shared<ClientPool>(context.get_executor(), std::move(options), std::move(tls)),
      std::move(origin), std::move(head), std::move(body));
  boost::asio::co_spawn(context, std::move(running),
                        [&result](std::exception_ptr thrown, Result<SimpleResponse> answer) {
                          if (thrown) {
                            result = fail(Code::kInternal, "the request failed with an exception");
                          } else {
                            result = std::move(answer);
                          }
                        });
  context.run_for(timeout);
  return result;
}

}  // namespace keyturn::http
