#include "aws/inventory.h"

#include <algorithm>

#include "base/bytes.h"

namespace keyturn::aws {
namespace {

constexpr std::size_t kTagsMax = 200;  // AWS allows 50 on most resources, some more

// Stacks of one name, deleted and living, are a handful; more is no name.
constexpr std::size_t kMatchesMax = 1'000;

// The resource whose tags count for this one.
std::string_view holder_of(std::string_view arn) {
  if (const std::size_t s3 = arn.find(":s3:::"); s3 != std::string_view::npos) {
    return arn.substr(0, arn.find('/', s3));
  }
  constexpr std::string_view kTable = ":table/";
  if (const std::size_t table = arn.find(kTable);
      table != std::string_view::npos && arn.find(":dynamodb:") < table) {
    return arn.substr(0, arn.find('/', table + kTable.size()));
  }
  return arn;
}

void add_tag(Tags& tags, std::string key, std::string value) {
  if (tags.size() < kTagsMax) tags.insert_or_assign(std::move(key), std::move(value));
}

// What stands between the first `<name>` and its `</name>` at or after `from`; moves `from` behind
// it. The elements asked for here hold no element of their own name, except `member`, which is not
// asked for.
std::optional<std::string_view> element(std::string_view xml, std::string_view name,
                                        std::size_t& from) {
  const std::string open = fmt::format("<{}>", name);
  const std::string close = fmt::format("</{}>", name);
  const std::size_t begin = xml.find(open, from);
  if (begin == std::string_view::npos) return std::nullopt;
  const std::size_t end = xml.find(close, begin);
  if (end == std::string_view::npos) return std::nullopt;
  from = end + close.size();
  return xml.substr(begin + open.size(), end - begin - open.size());
}

std::string_view first_element(std::string_view xml, std::string_view name) {
  std::size_t from = 0;
  return element(xml, name, from).value_or("");
}

// The five entities that every XML writer uses, and nothing that a document could define.
std::string plain_text(std::string_view text) {
  constexpr std::pair<std::string_view, char> kEntities[] = {
      {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}, {"&amp;", '&'}};
  std::string out;
  while (!text.empty()) {
    const auto* found = std::ranges::find_if(
        kEntities, [&](const auto& entity) { return text.starts_with(entity.first); });
    if (found != std::end(kEntities)) {
      out += found->second;
      text.remove_prefix(found->first.size());
    } else {
      out += text.front();
      text.remove_prefix(1);
    }
  }
  return out;
}

}  // namespace

Tags Inventory::find(std::string_view arn) const {
  arn = holder_of(arn);
  const std::shared_lock lock(mutex_);
  const auto found = known_.find(arn);
  if (found != known_.end()) return found->second.tags;
  // A stack is asked for by its name; its ARN ends in an id that the request does not tell.
  const std::size_t stack = arn.find(":stack/");
  if (stack != std::string_view::npos && arn.find(":cloudformation:") < stack &&
      arn.find('/', stack + 7) == std::string_view::npos) {
    return find_matching(std::string(arn) + "/*");
  }
  return arn.find('*') == std::string_view::npos ? Tags() : find_matching(arn);
}

Tags Inventory::find_matching(std::string_view pattern) const {
  const std::string_view prefix = pattern.substr(0, pattern.find('*'));
  // A star in place of the whole name is anything.
  if (prefix.empty() || prefix.ends_with(':')) return {};
  std::optional<Tags> common;
  std::size_t looked_at = 0;
  for (auto it = known_.lower_bound(prefix); it != known_.end() && it->first.starts_with(prefix);
       ++it) {
    if (++looked_at > kMatchesMax) return {};
    if (!glob_match(pattern, it->first)) continue;
    if (!common) {
      common = it->second.tags;
      continue;
    }
    std::erase_if(*common, [&](const auto& tag) {
      const auto other = it->second.tags.find(tag.first);
      return other == it->second.tags.end() || other->second != tag.second;
    });
  }
  return common.value_or(Tags());
}

void Inventory::replace(std::string_view region, std::vector<TaggedResource> complete) {
  const std::unique_lock lock(mutex_);
  std::erase_if(known_, [&](const auto& entry) { return entry.second.region == region; });
  for (auto& [arn, tags] : complete) {
    if (known_.size() >= kResourcesMax) return;
    known_.insert_or_assign(std::move(arn), Known{std::move(tags), std::string(region)});
  }
}

void Inventory::update(std::string_view region, const std::vector<std::string>& asked,
                       std::vector<TaggedResource> found) {
  const std::unique_lock lock(mutex_);
  for (const std::string& name : asked) known_.erase(name);
  for (auto& [arn, tags] : found) {
    if (known_.size() >= kResourcesMax) return;
    known_.insert_or_assign(std::move(arn), Known{std::move(tags), std::string(region)});
  }
}

void TagNews::add(const Action& action) {
  const std::scoped_lock lock(mutex_);
  for (const Resource& resource : action.resources) {
    const std::string arn(holder_of(resource.name));
    const bool stack = arn.find(":cloudformation:") != arn.npos;
    if (!arn.starts_with("arn:") || (arn.find('*') != arn.npos && !stack)) continue;
    auto batch = std::find_if(batches_.begin(), batches_.end(), [&](const Batch& other) {
      return other.region == action.region && other.names.size() < kBatchNamesMax;
    });
    if (batch == batches_.end()) {
      if (batches_.size() >= kBatchesMax) return;
      batches_.push_back({.region = action.region, .names = {}});
      batch = std::prev(batches_.end());
    }
    if (stack) {
      batch->stacks = true;
    } else if (std::find(batch->names.begin(), batch->names.end(), arn) == batch->names.end()) {
      batch->names.push_back(arn);
    }
  }
}

std::vector<TagNews::Batch> TagNews::take() {
  const std::scoped_lock lock(mutex_);
  return std::exchange(batches_, {});
}

std::size_t Inventory::size() const {
  const std::shared_lock lock(mutex_);
  return known_.size();
}

std::string get_resources_body(std::string_view pagination_token) {
  std::string body = "{\"ResourcesPerPage\":100";
  if (!pagination_token.empty()) {
    body += ",\"PaginationToken\":";
    append_json_string(body, pagination_token);
  }
  return body + "}";
}

std::string get_named_resources_body(const std::vector<std::string>& names) {
  Json::Array list(names.begin(), names.end());
  return to_text(Json::object({{"ResourceARNList", Json(std::move(list))}}));
}

Result<ResourcePage> parse_resources(std::string_view json) {
  TRY(const Json answer, parse_strict(json));
  ResourcePage page;
  page.next = answer.string_or("PaginationToken", "");
  const Json* list = answer.find("ResourceTagMappingList");
  if (list == nullptr || list->if_array() == nullptr) {
    return fail(Code::kCorrupt, "GetResources answered without ResourceTagMappingList");
  }
  for (const Json& item : *list->if_array()) {
    TaggedResource resource{item.string_or("ResourceARN", ""), {}};
    const Json* tags = item.find("Tags");
    if (resource.first.empty() || tags == nullptr || tags->if_array() == nullptr) continue;
    for (const Json& tag : *tags->if_array()) {
      add_tag(resource.second, tag.string_or("Key", ""), tag.string_or("Value", ""));
    }
    page.resources.push_back(std::move(resource));
  }
  return page;
}

std::string describe_stacks_body(std::string_view next_token) {
  std::string body = "Action=DescribeStacks&Version=2010-05-15";
  if (!next_token.empty()) body += "&NextToken=" + percent_encode(next_token);
  return body;
}

Result<ResourcePage> parse_stacks(std::string_view xml) {
  if (xml.find("<DescribeStacksResponse") == std::string_view::npos ||
      xml.find("<!") != std::string_view::npos) {
    return fail(Code::kCorrupt, "DescribeStacks answered with something else");
  }
  ResourcePage page;
  page.next = plain_text(first_element(xml, "NextToken"));
  std::size_t from = 0;
  // Each stack's identifier stands before its tags, and before the next stack's identifier.
  while (const auto id = element(xml, "StackId", from)) {
    const std::string_view rest = xml.substr(from, xml.find("<StackId>", from) - from);
    TaggedResource stack{plain_text(*id), {}};
    const std::string_view tags = first_element(rest, "Tags");
    std::size_t at = 0;
    while (const auto member = element(tags, "member", at)) {
      add_tag(stack.second, plain_text(first_element(*member, "Key")),
              plain_text(first_element(*member, "Value")));
    }
    page.resources.push_back(std::move(stack));
  }
  return page;
}

}  // namespace keyturn::aws
