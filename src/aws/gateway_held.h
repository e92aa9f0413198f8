// What is kept of a request while it waits for its turn or for reviewers, and goes on with it:
// thousands may wait, so nothing is in it that can be had again from the head. Belongs to the
// request's event loop.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "aws/gateway_body.h"
#include "aws/gateway_door.h"
#include "aws/gateway_parts.h"

namespace keyturn::aws {

// One place among those who wait, given back at the end. Sessions of one line share theirs.
class HeldPlace {
 public:
  HeldPlace(std::shared_ptr<HeldSlots> slots, std::shared_ptr<const identity::KeyHolder> holder)
      : slots_(std::move(slots)),
        holder_(std::move(holder)),
        taken_(slots_->take(holder_->session.root)) {}
  HeldPlace(const HeldPlace&) = delete;
  HeldPlace& operator=(const HeldPlace&) = delete;
  ~HeldPlace() {
    if (taken_) slots_->give_back(holder_->session.root);
  }
  bool taken() const { return taken_; }

 private:
  const std::shared_ptr<HeldSlots> slots_;
  const std::shared_ptr<const identity::KeyHolder> holder_;
  const bool taken_;
};

// From the first verdict `hold` to the last one.
struct Waiting {
  Waiting(std::shared_ptr<HeldSlots> slots, std::shared_ptr<const identity::KeyHolder> holder)
      : place(std::move(slots), std::move(holder)) {}
  HeldPlace place;
  std::unique_ptr<gate::Gate::Listening> listening;
  Instant until;
};

class Held final : public http::Exchange::Parked {
 public:
  explicit Held(Shared& gateway) : shared(gateway) {}
  http::Task<> resume(http::Exchange& exchange, http::Exchange::Woken woken) override;

  Shared& shared;
  std::shared_ptr<const identity::KeyHolder> holder;
  SigningKeys::Key key;
  std::string identity;  // as Caller has it
  std::unique_ptr<WholeBody> whole;
  std::unique_ptr<WholeBody::Decoded> decoded;
  std::string content_digest;
  std::unique_ptr<Turns::Turn> turn;  // it waits for that, and the rest is not there yet
  std::unique_ptr<Waiting> waiting;
  std::string message;  // of the verdict
  ChangeId change;
  bool claimed = false;
};

}  // namespace keyturn::aws
