#include "http/timer.h"

namespace keyturn::http {
namespace {

namespace asio = boost::asio;

class AlarmService final : public asio::execution_context::service {
 public:
  using key_type = AlarmService;
  static inline asio::execution_context::id id{};
  explicit AlarmService(asio::execution_context& context) : service(context) {}
  Alarms* alarms = nullptr;  // null: the machine's clock

 private:
  void shutdown() override {}
};

}  // namespace

void use_alarms(asio::execution_context& context, Alarms& alarms) {
  asio::use_service<AlarmService>(context).alarms = &alarms;
}

Timer::Timer(const asio::any_io_executor& executor) : timer_(executor) {}

Timer::~Timer() {
  if (ringing_) *ringing_ = nullptr;
}

void Timer::start(Duration duration) {
  Alarms* alarms = asio::use_service<AlarmService>(timer_.get_executor().context()).alarms;
  if (alarms == nullptr) {
    timer_.expires_after(duration);
    return;
  }
  timer_.expires_at(asio::steady_timer::time_point::max());
  ringing_ = std::make_shared<asio::steady_timer*>(&timer_);
  alarms->set(duration, [ringing = ringing_] {
    if (*ringing != nullptr) (*ringing)->cancel();
  });
}

}  // namespace keyturn::http
