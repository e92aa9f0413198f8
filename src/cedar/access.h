// Lets the room's own parts at the content of its public types.
#pragma once

#include <utility>

#include "cedar/cedar.h"

namespace keyturn::cedar {

class Access {
 public:
  static const SchemaContent& content(const Schema& schema) { return *schema.content_; }
  static const PolicySetContent& content(const PolicySet& set) { return *set.content_; }
  static const EntitiesContent& content(const Entities& entities) { return *entities.content_; }
  static const RequestContent& content(const PreparedRequest& request) { return *request.content_; }
  static Schema schema(std::shared_ptr<const SchemaContent> content) {
    return Schema(std::move(content));
  }
  static PolicySet policy_set(std::shared_ptr<const PolicySetContent> content) {
    return PolicySet(std::move(content));
  }
  static PreparedRequest request(std::shared_ptr<const RequestContent> content) {
    return PreparedRequest(std::move(content));
  }
};

}  // namespace keyturn::cedar
