// AWS as the gateway meets it, scripted: it answers, refuses, hangs, answers by half, or does what
// it was asked and loses the answer. It keeps every call, and says so before it does anything.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "http/http.h"
#include "sim/dice.h"
#include "sim/trace.h"

namespace keyturn::sim {

// A request that reached upstream whole.
struct UpstreamCall {
  std::string operation;  // `DeleteTable`
  std::string table;
  bool executed = false;
};

class Upstream final : public http::Client {
 public:
  Upstream(Dice& dice, Trace& trace) : dice_(dice), trace_(trace) {}

  // Asked before a call is carried out.
  void on_call(std::function<void(const UpstreamCall&)> listener) {
    listener_ = std::move(listener);
  }
  // From now on so many of a hundred calls go wrong in some way.
  void set_faults(unsigned percent) { fault_percent_ = percent; }

  http::Task<http::ClientResponse> send(http::Origin origin, http::RequestHead head,
                                        http::Body& body, http::ClientFailure* failure) override;

 private:
  // How a call ends; kRefuse and kAbort leave nothing done.
  enum class Way { kAnswer, kError, kRefuse, kHang, kHangDone, kCut, kHalf, kSlow };
  Way draw_way();
  http::Task<http::ClientResponse> answer(std::string text, Way way, UpstreamCall call,
                                          http::ClientFailure* failure);

  Dice& dice_;
  Trace& trace_;
  std::function<void(const UpstreamCall&)> listener_;
  unsigned fault_percent_ = 0;
};

}  // namespace keyturn::sim
