// Tags of upstream resources by ARN, as last observed: what environments are told apart by. A
// resource that is not known here has no tags, and what matches no environment is production. Any
// thread.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "action/action.h"
#include "base/json.h"
#include "base/result.h"

namespace keyturn::aws {

using TaggedResource = std::pair<std::string, Tags>;  // ARN, tags

class Inventory {
 public:
  // About 200 MiB of ARNs with a few tags each. Beyond it resources stay unknown, so production.
  static constexpr std::size_t kResourcesMax = 500'000;

  // Of the resource itself, or of what holds it (the bucket of an object, the table of an index). A
  // name with a star, where an identifier could not be filled in, has the tags that all it matches
  // have in common.
  Tags find(std::string_view arn) const;
  // Everything now known of a region, in place of what was known before; `complete` lists it all.
  void replace(std::string_view region, std::vector<TaggedResource> complete);
  // What upstream now says of `asked`, which lie in the region: what it does not name has no tags.
  void update(std::string_view region, const std::vector<std::string>& asked,
              std::vector<TaggedResource> found);
  std::size_t size() const;

 private:
  Tags find_matching(std::string_view pattern) const;

  struct Known {
    Tags tags;
    std::string region;  // that was asked for it
  };
  mutable std::shared_mutex mutex_;
  std::map<std::string, Known, std::less<>> known_;  // ordered, for what ends in a star
};

// Resources that executed requests may have made, tagged or deleted: worth asking for before the
// next refresh. What a request says of tags is not believed, only followed up. Any thread.
class TagNews {
 public:
  // GetResources takes 100 names. Beyond kBatchesMax, what is new waits for the refresh.
  static constexpr std::size_t kBatchNamesMax = 100;
  static constexpr std::size_t kBatchesMax = 64;

  struct Batch {
    std::string region;
    std::vector<std::string> names;  // ARNs without stars
    bool stacks = false;             // their names do not tell their ARNs
  };
  void add(const Action& action);
  std::vector<Batch> take();

 private:
  std::mutex mutex_;
  std::vector<Batch> batches_;
};

// One page of resourcegroupstaggingapi:GetResources.
struct ResourcePage {
  std::vector<TaggedResource> resources;
  std::string next;  // PaginationToken; empty at the end
};
std::string get_resources_body(std::string_view pagination_token);
std::string get_named_resources_body(const std::vector<std::string>& names);
Result<ResourcePage> parse_resources(std::string_view json);

// One page of cloudformation:DescribeStacks, which knows tags that GetResources may not list.
std::string describe_stacks_body(std::string_view next_token);
Result<ResourcePage> parse_stacks(std::string_view xml);

}  // namespace keyturn::aws
