#include "aws/inventory.h"

#include <gtest/gtest.h>

namespace keyturn::aws {
namespace {

constexpr std::string_view kStack = "arn:aws-cn:cloudformation:cn-northwest-1:1:stack/prod/";

TEST(Inventory, KnowsTagsByArnAndNothingOfOthers) {
  Inventory inventory;
  inventory.replace("r", {{"arn:aws:sqs:r:1:q", {{"env", "dev"}}}});
  EXPECT_EQ(inventory.find("arn:aws:sqs:r:1:q"), (Tags{{"env", "dev"}}));
  EXPECT_TRUE(inventory.find("arn:aws:sqs:r:1:q2").empty());
  EXPECT_TRUE(inventory.find("*").empty());
}

TEST(Inventory, ReplacesARegionWholeAndLeavesTheOthers) {
  Inventory inventory;
  inventory.replace("r", {{"a", {{"k", "1"}}}, {"b", {{"k", "1"}}}});
  inventory.replace("s", {{"c", {{"k", "1"}}}});
  inventory.replace("r", {{"a", {{"k", "2"}}}});
  EXPECT_EQ(inventory.find("a"), (Tags{{"k", "2"}}));
  EXPECT_TRUE(inventory.find("b").empty());
  EXPECT_EQ(inventory.find("c"), (Tags{{"k", "1"}}));
}

TEST(Inventory, FindsTheHolderOfAnObjectAndOfAnIndex) {
  Inventory inventory;
  inventory.replace("r", {{"arn:aws:s3:::bucket", {{"env", "dev"}}},
                          {"arn:aws:dynamodb:r:1:table/t", {{"env", "dev"}}}});
  EXPECT_FALSE(inventory.find("arn:aws:s3:::bucket/a/b*").empty());
  EXPECT_FALSE(inventory.find("arn:aws:dynamodb:r:1:table/t/index/i").empty());
  EXPECT_TRUE(inventory.find("arn:aws:s3:::bucket2/a").empty());
  EXPECT_TRUE(inventory.find("arn:aws:dynamodb:r:1:table/t2/index/i").empty());
}

TEST(Inventory, TakesWhatAllMatchesHaveInCommonForANameWithAStar) {
  Inventory inventory;
  const std::string stack(kStack);
  inventory.replace(
      "r", {{stack + "1", {{"env", "prod"}, {"team", "a"}}},
            {stack + "2", {{"env", "prod"}, {"team", "b"}}},
            {"arn:aws-cn:cloudformation:cn-northwest-1:1:stack/production/1", {{"env", "dev"}}}});
  EXPECT_EQ(inventory.find(stack + "*"), (Tags{{"env", "prod"}}));
  // Nothing is known of anything.
  EXPECT_TRUE(inventory.find("arn:aws-cn:cloudformation:cn-northwest-1:1:*").empty());
}

TEST(Inventory, FindsAStackByItsNameAlone) {
  Inventory inventory;
  const std::string prefix = "arn:aws-cn:cloudformation:cn-northwest-1:1:stack/";
  inventory.replace("r", {{prefix + "prod/1", {{"env", "prod"}}},
                          {prefix + "dev/2", {{"env", "dev"}}},
                          {"arn:aws:ecs:r:1:stack/dev/3", {{"env", "prod"}}}});
  EXPECT_EQ(inventory.find(prefix + "prod"), (Tags{{"env", "prod"}}));
  EXPECT_EQ(inventory.find(prefix + "dev"), (Tags{{"env", "dev"}}));
  EXPECT_TRUE(inventory.find(prefix + "de").empty());
  EXPECT_TRUE(inventory.find("arn:aws:ecs:r:1:stack/dev").empty());
}

TEST(Inventory, DoesNotSearchWithoutEnd) {
  Inventory inventory;
  std::vector<TaggedResource> many;
  for (int i = 0; i < 3'000; ++i) many.push_back({fmt::format("arn:x/{:05}", i), {{"e", "d"}}});
  inventory.replace("r", std::move(many));
  EXPECT_TRUE(inventory.find("arn:x/*").empty());
  EXPECT_FALSE(inventory.find("arn:x/0000*").empty());
}

TEST(GetResources, IsReadPageByPage) {
  const auto page = parse_resources(
      R"({"PaginationToken":"next","ResourceTagMappingList":[
          {"ResourceARN":"arn:1","Tags":[{"Key":"env","Value":"prod"},{"Key":"a","Value":""}]},
          {"ResourceARN":"arn:2","Tags":[]},{"Tags":[]},{"ResourceARN":"arn:3"}]})");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->next, "next");
  ASSERT_EQ(page->resources.size(), 2U);
  EXPECT_EQ(page->resources[0].second, (Tags{{"env", "prod"}, {"a", ""}}));
  EXPECT_EQ(get_resources_body(page->next), R"({"ResourcesPerPage":100,"PaginationToken":"next"})");
  for (const char* bad : {"", "[]", "{}", "{\"ResourceTagMappingList\":{}}", "<xml/>"}) {
    EXPECT_FALSE(parse_resources(bad)) << bad;
  }
}

TEST(DescribeStacks, YieldsEachStackWithItsOwnTags) {
  const auto page = parse_stacks(
      "<DescribeStacksResponse xmlns=\"x\"><DescribeStacksResult><Stacks><member>"
      "<StackName>a</StackName><StackId>arn:a</StackId><Tags><member><Key>env</Key>"
      "<Value>p&amp;q</Value></member><member><Key>k</Key><Value>v</Value></member></Tags></member>"
      "<member><StackId>arn:b</StackId><Tags/></member>"
      "<member><StackId>arn:c</StackId><Tags><member><Key>env</Key><Value>dev</Value></member>"
      "</Tags></member></Stacks><NextToken>t&lt;1</NextToken></DescribeStacksResult>"
      "</DescribeStacksResponse>");
  ASSERT_TRUE(page);
  ASSERT_EQ(page->resources.size(), 3U);
  EXPECT_EQ(page->resources[0], (TaggedResource{"arn:a", {{"env", "p&q"}, {"k", "v"}}}));
  EXPECT_EQ(page->resources[1], (TaggedResource{"arn:b", {}}));
  EXPECT_EQ(page->resources[2], (TaggedResource{"arn:c", {{"env", "dev"}}}));
  EXPECT_EQ(page->next, "t<1");
  EXPECT_EQ(describe_stacks_body(page->next),
            "Action=DescribeStacks&Version=2010-05-15&NextToken=t%3C1");
}

TEST(DescribeStacks, ResolvesNoEntitiesAndReadsNothingElse) {
  for (const char* bad :
       {"", "{}", "<ErrorResponse/>",
        "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><DescribeStacksResponse>&e;"}) {
    EXPECT_FALSE(parse_stacks(bad)) << bad;
  }
  EXPECT_TRUE(parse_stacks("<DescribeStacksResponse><StackId>cut")->resources.empty());
}

}  // namespace
}  // namespace keyturn::aws
