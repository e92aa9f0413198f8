// An action as Cedar is asked about it: once for the agent and once for its owner, for every
// resource. Pure. Private to the room.
#pragma once

#include <array>
#include <vector>

#include "cedar/cedar.h"
#include "cedar/partial.h"
#include "gate/gate.h"

namespace keyturn::gate {

class Inquiry {
 public:
  // kExhausted when the action names too many resources. `action` and `facts` must outlive it.
  static Result<Inquiry> make(const Action& action, const Facts& facts);

  const std::vector<Resource>& resources() const { return resources_; }
  const std::array<cedar::EntityUid, 2>& principals() const { return principals_; }
  // One resource, its environment and its tier, with both principals.
  Result<cedar::Entities> entities(const Policies& policies, const Resource& resource) const;
  // With action and context; principal and resource are still to be set.
  cedar::Request request() const;
  static cedar::EntityUid uid_of(const Resource& resource);

 private:
  Inquiry(const Action& action, const Facts& facts);

  const Action& action_;
  const Facts& facts_;
  std::vector<Resource> resources_;
  std::array<cedar::EntityUid, 2> principals_;
};

// The context attribute that counts approving reviews.
inline constexpr std::string_view kApprovalsAttribute = "approvals";
// The same request with the approvals unknown.
cedar::PartialRequest without_approvals(cedar::Request request);

}  // namespace keyturn::gate
