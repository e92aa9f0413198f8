#include <gtest/gtest.h>

#include "action/action.h"
#include "base/random.h"

namespace keyturn {
namespace {

Environment environment(std::string name, Tier tier, std::vector<EnvironmentSelector> selectors) {
  return {std::move(name), tier, std::move(selectors)};
}

Resource table(std::string name) {
  Resource resource;
  resource.name = "arn:aws:dynamodb:eu-west-1:111111111111:table/" + name;
  resource.account = "111111111111";
  resource.region = "eu-west-1";
  return resource;
}

Resource anything() {
  Resource resource = table("");
  resource.name = "*";
  return resource;
}

struct Assigned {
  std::string environment;
  Tier tier;
  friend bool operator==(const Assigned&, const Assigned&) = default;
  friend void PrintTo(const Assigned& assigned, std::ostream* out) {
    *out << '`' << assigned.environment << "` " << to_string(assigned.tier);
  }
};
Assigned assigned(const Environments& environments, Resource resource) {
  environments.assign(resource);
  return {resource.environment, resource.tier};
}

const EnvironmentSelector kAccount1{.accounts = {"111111111111"}};
const EnvironmentSelector kAccount2{.accounts = {"222222222222"}};
const EnvironmentSelector kDevTag{.tags = {{"env", "dev"}}};
const EnvironmentSelector kProdTag{.tags = {{"env", "prod"}}};
const Assigned kUnmatched{"", Tier::kProduction};

TEST(Environments, WhatMatchesNothingIsProduction) {
  EXPECT_EQ(assigned(Environments(), table("t")), kUnmatched);
  const Environments environments({environment("dev", Tier::kDevelopment, {kDevTag}),
                                   environment("none", Tier::kDevelopment, {})});
  EXPECT_EQ(assigned(environments, table("t")), kUnmatched);
  Resource stale = table("t");
  stale.environment = "dev";
  stale.tier = Tier::kDevelopment;
  EXPECT_EQ(assigned(environments, stale), kUnmatched);
}

TEST(Environments, MatchByAccountRegionArnAndTag) {
  Resource tagged = table("t");
  tagged.tags = {{"env", "dev"}, {"team", "x"}};
  const std::vector<EnvironmentSelector> matching = {
      kAccount1,
      {.regions = {"us-east-1", "eu-west-1"}},
      {.arns = {"arn:*:s3:::*", "arn:aws:dynamodb:*:table/?"}},
      kDevTag,
      {},
      {.accounts = {"111111111111"},
       .regions = {"eu-west-1"},
       .arns = {"*/t"},
       .tags = {{"team", "x"}}},
  };
  for (const EnvironmentSelector& selector : matching) {
    const Environments environments({environment("dev", Tier::kDevelopment, {selector})});
    EXPECT_EQ(assigned(environments, tagged), (Assigned{"dev", Tier::kDevelopment}));
  }
}

TEST(Environments, EveryGivenMemberOfASelectorMustMatch) {
  Resource tagged = table("t");
  tagged.tags = {{"env", "dev"}};
  const std::vector<EnvironmentSelector> failing = {
      {.accounts = {"222222222222"}, .tags = {{"env", "dev"}}},
      {.regions = {"us-east-1"}, .tags = {{"env", "dev"}}},
      {.arns = {"*/other"}, .tags = {{"env", "dev"}}},
      {.tags = {{"env", "dev"}, {"team", "x"}}},
      {.tags = {{"env", "Dev"}}},
      {.tags = {{"env", ""}}},
  };
  for (const EnvironmentSelector& selector : failing) {
    const Environments environments({environment("dev", Tier::kDevelopment, {selector})});
    EXPECT_EQ(assigned(environments, tagged), kUnmatched);
  }
}

TEST(Environments, TheStrictestTierWinsInWhateverOrderTheyStand) {
  std::vector<Environment> all = {
      environment("dev", Tier::kDevelopment, {kAccount1}),
      environment("stage", Tier::kStaging, {kAccount1}),
      environment("prod", Tier::kProduction, {kProdTag}),
  };
  Resource prod = table("t");
  prod.tags = {{"env", "prod"}};
  std::sort(all.begin(), all.end(), [](auto& a, auto& b) { return a.name < b.name; });
  do {
    EXPECT_EQ(assigned(Environments(all), prod), (Assigned{"prod", Tier::kProduction}));
    EXPECT_EQ(assigned(Environments(all), table("t")), (Assigned{"stage", Tier::kStaging}));
  } while (std::next_permutation(all.begin(), all.end(),
                                 [](auto& a, auto& b) { return a.name < b.name; }));
}

TEST(Environments, OfEqualTiersTheFirstGivesTheName) {
  const Environments environments({environment("one", Tier::kStaging, {kAccount1}),
                                   environment("two", Tier::kStaging, {kAccount1})});
  EXPECT_EQ(assigned(environments, table("t")), (Assigned{"one", Tier::kStaging}));
}

TEST(Environments, AnUnknownAccountOrRegionNeverLowersTheTier) {
  Resource unknown = table("t");
  unknown.account.clear();
  const Environments by_account({environment("dev", Tier::kDevelopment, {kAccount1})});
  EXPECT_EQ(assigned(by_account, unknown), kUnmatched);
  unknown = table("t");
  unknown.region.clear();
  const Environments by_region(
      {environment("dev", Tier::kDevelopment, {{.regions = {"eu-west-1"}}})});
  EXPECT_EQ(assigned(by_region, unknown), kUnmatched);
}

TEST(Environments, AnUnknownAccountMayBelongToTheStricterOne) {
  const Environments environments({environment("dev", Tier::kDevelopment, {{.arns = {"*/t"}}}),
                                   environment("prod", Tier::kProduction, {kAccount2})});
  EXPECT_EQ(assigned(environments, table("t")), (Assigned{"dev", Tier::kDevelopment}));
  Resource unknown = table("t");
  unknown.account.clear();
  EXPECT_EQ(assigned(environments, unknown), kUnmatched);
}

TEST(Environments, AStarIsProductionUnlessItsAccountIsNamedAsLower) {
  const auto tier_of_star = [](EnvironmentSelector selector) {
    const Environments environments(
        {environment("dev", Tier::kDevelopment, {std::move(selector)})});
    return assigned(environments, anything()).tier;
  };
  EXPECT_EQ(tier_of_star(kAccount1), Tier::kDevelopment);
  EXPECT_EQ(tier_of_star({.accounts = {"111111111111"}, .regions = {"eu-west-1"}}),
            Tier::kDevelopment);
  EXPECT_EQ(tier_of_star({.accounts = {"111111111111"}, .arns = {"*"}}), Tier::kDevelopment);
  EXPECT_EQ(tier_of_star(kAccount2), Tier::kProduction);
  EXPECT_EQ(tier_of_star({}), Tier::kProduction);
  EXPECT_EQ(tier_of_star({.regions = {"eu-west-1"}}), Tier::kProduction);
  EXPECT_EQ(tier_of_star({.arns = {"*"}}), Tier::kProduction);
  EXPECT_EQ(tier_of_star(kDevTag), Tier::kProduction);
  EXPECT_EQ(tier_of_star({.accounts = {"111111111111"}, .arns = {"arn:*"}}), Tier::kProduction);
  EXPECT_EQ(tier_of_star({.accounts = {"111111111111"}, .regions = {"us-east-1"}}),
            Tier::kProduction);
  EXPECT_EQ(tier_of_star({.accounts = {"111111111111"}, .tags = {{"env", "dev"}}}),
            Tier::kProduction);
}

TEST(Environments, TagsClaimedForAStarSayNothing) {
  Resource star = anything();
  star.tags = {{"env", "dev"}};
  const Environments environments({environment("dev", Tier::kDevelopment, {kDevTag})});
  EXPECT_EQ(assigned(environments, star), kUnmatched);
}

TEST(Environments, AStarOfUnknownAccountOrRegionIsProduction) {
  const Environments environments({environment(
      "dev", Tier::kDevelopment, {{.accounts = {"111111111111"}, .regions = {"eu-west-1"}}})});
  Resource star = anything();
  EXPECT_EQ(assigned(environments, star), (Assigned{"dev", Tier::kDevelopment}));
  star.region.clear();
  EXPECT_EQ(assigned(environments, star), kUnmatched);
  star = anything();
  star.account.clear();
  EXPECT_EQ(assigned(environments, star), kUnmatched);
}

TEST(Environments, AStarThatMayReachAStricterEnvironmentIsOfThatTier) {
  for (const EnvironmentSelector& stricter :
       {kProdTag, EnvironmentSelector{.arns = {"arn:*:table/billing"}},
        EnvironmentSelector{.accounts = {"111111111111"}, .tags = {{"env", "prod"}}}}) {
    const Environments environments({environment("dev", Tier::kDevelopment, {kAccount1}),
                                     environment("prod", Tier::kProduction, {stricter})});
    EXPECT_EQ(assigned(environments, anything()), kUnmatched);
    EXPECT_EQ(assigned(environments, table("t")), (Assigned{"dev", Tier::kDevelopment}));
  }
  const Environments apart({environment("dev", Tier::kDevelopment, {kAccount1}),
                            environment("prod", Tier::kProduction, {kAccount2})});
  EXPECT_EQ(assigned(apart, anything()), (Assigned{"dev", Tier::kDevelopment}));
  const Environments staged({environment("dev", Tier::kDevelopment, {kAccount1}),
                             environment("stage", Tier::kStaging, {kDevTag})});
  EXPECT_EQ(assigned(staged, anything()), (Assigned{"", Tier::kStaging}));
}

TEST(Environments, ANameWithAWildcardIsJudgedAsAStar) {
  const Environments environments({environment("dev", Tier::kDevelopment, {{.arns = {"*/cost-*"}}}),
                                   environment("prod", Tier::kProduction, {{.arns = {"*-prod"}}})});
  EXPECT_EQ(assigned(environments, table("cost-dev")), (Assigned{"dev", Tier::kDevelopment}));
  EXPECT_EQ(assigned(environments, table("cost-*")), kUnmatched);
  EXPECT_EQ(assigned(environments, table("cost-????")), kUnmatched);
  Resource nameless = table("t");
  nameless.name.clear();
  EXPECT_EQ(assigned(environments, nameless), kUnmatched);
}

// Whatever is configured, forgetting a fact about a resource never lowers its tier.
TEST(Environments, KnowingLessNeverLowersTheTier) {
  SeededRandom random(6);
  const auto draw = [&](unsigned count) {
    return static_cast<unsigned char>(random.bytes(1)[0]) % count;
  };
  const auto draw_selector = [&] {
    EnvironmentSelector selector;
    if (draw(2) == 0) selector.accounts = {draw(2) == 0 ? "111111111111" : "222222222222"};
    if (draw(2) == 0) selector.regions = {draw(2) == 0 ? "eu-west-1" : "us-east-1"};
    if (draw(3) == 0) selector.arns = {draw(2) == 0 ? "*/t" : "*dynamodb*"};
    if (draw(3) == 0) selector.tags = {{"env", draw(2) == 0 ? "dev" : "prod"}};
    return selector;
  };
  for (int round = 0; round < 3'000; ++round) {
    std::vector<Environment> all;
    for (unsigned i = 0; i < 1 + draw(4); ++i) {
      all.push_back(environment(fmt::format("e{}", i), static_cast<Tier>(draw(3)),
                                {draw_selector(), draw_selector()}));
    }
    const Environments environments(all);
    Resource known = table(draw(2) == 0 ? "t" : "u");
    if (draw(2) == 0) known.tags = {{"env", draw(2) == 0 ? "dev" : "prod"}};
    const Tier tier = assigned(environments, known).tier;
    Resource less = known;
    less.account.clear();
    EXPECT_LE(assigned(environments, less).tier, tier);
    less = known;
    less.region.clear();
    EXPECT_LE(assigned(environments, less).tier, tier);
    less = known;
    less.name = "*";
    EXPECT_LE(assigned(environments, less).tier, tier);
  }
}

}  // namespace
}  // namespace keyturn
