#include "http/server_state.h"

#include "http/head_writer.h"

namespace keyturn::http {

ServerMetrics::ServerMetrics(Metrics& metrics)
    : connections(metrics.gauge("keyturn_http_connections", "open client connections")),
      held(metrics.gauge("keyturn_http_held_requests", "requests parked until an event")),
      accepted(metrics.counter("keyturn_http_connections_total", "client connections accepted")),
      refused_connections(metrics.counter("keyturn_http_connections_refused_total",
                                          "client connections over the limit")),
      refused_heads(metrics.counter("keyturn_http_heads_refused_total",
                                    "request heads refused before any handler")),
      bytes_in(metrics.counter("keyturn_http_body_bytes_total",
                               "body bytes of requests and answers", R"(direction="in")")),
      bytes_out(metrics.counter("keyturn_http_body_bytes_total",
                                "body bytes of requests and answers", R"(direction="out")")) {
  for (std::size_t i = 0; i < responses.size(); ++i) {
    responses[i] = &metrics.counter("keyturn_http_responses_total", "answers by status class",
                                    fmt::format(R"(status="{}xx")", i + 1));
  }
}

std::string ServerState::next_request_id(LoopState& loop) const {
  return fmt::format("{}-{:x}-{:x}", run_id, loop.index, ++loop.requests);
}

const std::string& ServerState::date(LoopState& loop) const {
  const Time now = SystemClock().now();
  if (loop.date.empty() || now < loop.date_second ||
      now - loop.date_second >= std::chrono::seconds(1)) {
    loop.date_second = std::chrono::floor<std::chrono::seconds>(now);
    loop.date = http_date(now);
  }
  return loop.date;
}

void ServerState::count_response(int status) {
  const auto index = static_cast<std::size_t>(std::clamp(status / 100, 1, 5) - 1);
  metrics.responses[index]->add();
}

bool ServerState::admit() {
  if (open.fetch_add(1) >= options.connections_max) {
    leave();
    return false;
  }
  return true;
}

void ServerState::leave() {
  std::lock_guard lock(mutex);
  if (open.fetch_sub(1) == 1) none_left.notify_all();
}

void ServerState::stop_listening() {
  std::lock_guard lock(mutex);
  if (listening.fetch_sub(1) == 1) none_left.notify_all();
}

}  // namespace keyturn::http
