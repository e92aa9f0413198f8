#include "ledger/tree.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "crypto/crypto.h"
#include "ledger/sample_log_test.h"

namespace keyturn::ledger {
namespace {

std::string base64_root(const RightEdge& edge) { return base64_encode(edge.root().view()); }

// RFC 6962 section 2.1, word for word.
Digest root_by_definition(const std::vector<Digest>& leaves, std::size_t begin, std::size_t end) {
  const std::size_t count = end - begin;
  if (count == 0) return crypto::sha256("");
  if (count == 1) return leaves[begin];
  std::size_t split = 1;
  while (split * 2 < count) split *= 2;
  return node_hash(root_by_definition(leaves, begin, begin + split),
                   root_by_definition(leaves, begin + split, end));
}

TEST(LeafHash, AgreesWithThePublishedVectors) {
  EXPECT_EQ(leaf_hash("").hex(),
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
  EXPECT_EQ(leaf_hash("hello").hex(),
            "8a2a5c9b768827de5a9552c38a044c66959c68f6d2f21b5260af54d2f87db827");
}

TEST(NodeHash, DiffersFromTheLeafOfTheSameBytes) {
  const Digest a = leaf_hash("a");
  const Digest b = leaf_hash("b");
  EXPECT_NE(node_hash(a, b), node_hash(b, a));
  EXPECT_NE(node_hash(a, b), leaf_hash(std::string(a.view()) + std::string(b.view())));
}

TEST(RightEdge, OfTheEmptyTreeHasTheHashOfNothingAsItsRoot) {
  EXPECT_EQ(RightEdge().root(), crypto::sha256(""));
  EXPECT_EQ(RightEdge().bytes(), "");
}

TEST(RightEdge, HasTheRootsThatOtherImplementationsAgreeOn) {
  RightEdge edge;
  for (std::uint64_t i = 0; i < 70'000; ++i) {
    edge.append(leaf_hash(sample_entry(i)));
    if (i + 1 == 3) {
      EXPECT_EQ(base64_root(edge), "30P6Pu91fp9qm+MNx70UxdjsUFzeM0lruVi1JiFH6Mg=");
    }
    if (i + 1 == 5) {
      EXPECT_EQ(base64_root(edge), "36k560WMvebvZRKYfeu8le4fL/DlQ3N0oS1YbVu0rRA=");
    }
  }
  EXPECT_EQ(base64_root(edge), "+70MIgeLmhOT6NbBxcHG5OCx/Z9lG2bDxS49PGYNpbo=");
}

TEST(RightEdge, HasTheRootOfTheDefinitionAtEverySize) {
  std::vector<Digest> leaves;
  RightEdge edge;
  for (std::size_t size = 0; size <= 300; ++size) {
    EXPECT_EQ(edge.root(), root_by_definition(leaves, 0, size)) << size;
    EXPECT_EQ(edge.size(), size);
    leaves.push_back(leaf_hash(std::to_string(size)));
    edge.append(leaves.back());
  }
}

TEST(RightEdge, GoesThroughBytesAndGoesOnAsBefore) {
  RightEdge edge;
  for (int i = 0; i < 200; ++i) {
    const RightEdge read = RightEdge::from_bytes(edge.size(), edge.bytes()).value();
    EXPECT_EQ(read, edge);
    edge.append(leaf_hash(std::to_string(i)));
    RightEdge longer = read;
    longer.append(leaf_hash(std::to_string(i)));
    EXPECT_EQ(longer, edge);
  }
}

TEST(RightEdge, RefusesBytesThatDoNotFitTheSize) {
  RightEdge edge;
  for (int i = 0; i < 5; ++i) edge.append(leaf_hash("x"));
  EXPECT_TRUE(RightEdge::from_bytes(5, edge.bytes()));
  for (const std::uint64_t size :
       {std::uint64_t{0}, std::uint64_t{4}, std::uint64_t{7}, UINT64_MAX}) {
    EXPECT_EQ(RightEdge::from_bytes(size, edge.bytes()).error().code, Code::kCorrupt) << size;
  }
  EXPECT_EQ(RightEdge::from_bytes(5, edge.bytes().substr(1)).error().code, Code::kCorrupt);
}

}  // namespace
}  // namespace keyturn::ledger
