#include "ledger/proof.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "ledger/sample_log_test.h"

namespace keyturn::ledger {
namespace {

std::vector<std::string> base64_of(const Proof& proof) {
  std::vector<std::string> lines;
  for (const Digest& digest : proof) lines.push_back(base64_encode(digest.view()));
  return lines;
}
using Lines = std::vector<std::string>;

TEST(Proof, AgreesWithThePublishedVectors) {
  MemoryTree log;
  log.append_samples(5);
  const ReadNode read = log.reader();
  EXPECT_EQ(base64_of(prove_inclusion(4, 5, read).value()),
            Lines{"Pr8iEphLwStDyVx1lLvuZkcRBJGSoK6NR/IAyQReUyw="});
  EXPECT_EQ(base64_of(prove_inclusion(3, 5, read).value()),
            (Lines{"rYK/8LWAtpBalp3eJ5ipnBwj2Y7Vrr6Vs+JlfwlT0EE=",
                   "UY6sN3tm+/gT4q2THu1SCkzo0TUFfkpkKt+OVSchLdo=",
                   "pAaBZ8yJjeim06xLOCceoPD8AcaaXTlW1L71j9BV9i8="}));
  EXPECT_EQ(base64_of(prove_consistency({3, 5}, read).value()),
            (Lines{"rYK/8LWAtpBalp3eJ5ipnBwj2Y7Vrr6Vs+JlfwlT0EE=",
                   "7cc8euNHVHfXnWLXrS9UBqCH3c+l7u1k8ln8YvinPk4=",
                   "UY6sN3tm+/gT4q2THu1SCkzo0TUFfkpkKt+OVSchLdo=",
                   "pAaBZ8yJjeim06xLOCceoPD8AcaaXTlW1L71j9BV9i8="}));
}

TEST(InclusionProof, IsVerifiedForEveryEntryOfEverySizeAndForNoOther) {
  MemoryTree log;
  log.append_samples(70);
  for (std::uint64_t size = 1; size <= log.size(); ++size) {
    for (std::uint64_t index = 0; index < size; ++index) {
      const Proof proof = prove_inclusion(index, size, log.reader()).value();
      EXPECT_TRUE(verify_inclusion(log.leaf(index), log.tree(size), proof));
      Leaf other = log.leaf(index);
      other.index = (index + 1) % size;
      EXPECT_EQ(verify_inclusion(other, log.tree(size), proof).has_value(), size == 1);
      other = log.leaf((index + 1) % log.size());
      other.index = index;
      EXPECT_FALSE(verify_inclusion(other, log.tree(size), proof));
    }
  }
}

TEST(ConsistencyProof, IsVerifiedForEveryPairOfSizes) {
  MemoryTree log;
  log.append_samples(70);
  for (std::uint64_t newer = 0; newer <= log.size(); ++newer) {
    for (std::uint64_t older = 0; older <= newer; ++older) {
      const Proof proof = prove_consistency({older, newer}, log.reader()).value();
      EXPECT_TRUE(verify_consistency(log.tree(older), log.tree(newer), proof))
          << older << " to " << newer;
      if (older + 1 < newer) {
        EXPECT_FALSE(verify_consistency(log.tree(older + 1), log.tree(newer), proof));
      }
    }
  }
}

TEST(Proof, WithAnythingChangedIsRefused) {
  MemoryTree log;
  log.append_samples(300);
  SeededRandom random(51);
  const auto draw = [&](std::uint64_t below) {
    const std::string bytes = random.bytes(2);
    return (static_cast<unsigned char>(bytes[0]) * 256U + static_cast<unsigned char>(bytes[1])) %
           below;
  };
  for (int round = 0; round < 2'000; ++round) {
    const std::uint64_t size = 2 + draw(299);
    const std::uint64_t index = draw(size);
    const std::uint64_t older = 1 + draw(size - 1);
    Proof inclusion = prove_inclusion(index, size, log.reader()).value();
    Proof consistency = prove_consistency({older, size}, log.reader()).value();
    for (Proof* proof : {&inclusion, &consistency}) {
      const Proof right = *proof;
      const auto is_refused = [&] {
        return proof == &inclusion ? !verify_inclusion(log.leaf(index), log.tree(size), *proof)
                                   : !verify_consistency(log.tree(older), log.tree(size), *proof);
      };
      ASSERT_FALSE(is_refused());
      proof->at(draw(proof->size())).bytes[draw(32)] ^= static_cast<unsigned char>(1 + draw(255));
      EXPECT_TRUE(is_refused());
      *proof = right;
      proof->pop_back();
      EXPECT_TRUE(is_refused());
      *proof = right;
      proof->push_back(Digest());
      EXPECT_TRUE(is_refused());
      *proof = right;
      proof->insert(proof->begin(), Digest());
      EXPECT_TRUE(is_refused());
    }
  }
}

TEST(ConsistencyProof, RefusesAHistoryThatWasRewritten) {
  MemoryTree honest;
  honest.append_samples(40);
  MemoryTree forked;
  for (std::uint64_t i = 0; i < 50; ++i) {
    forked.append(leaf_hash(i == 17 ? "another past" : sample_entry(i)));
  }
  for (std::uint64_t older = 18; older <= 40; ++older) {
    const Proof proof = prove_consistency({older, 50}, forked.reader()).value();
    EXPECT_FALSE(verify_consistency(honest.tree(older), forked.tree(50), proof));
  }
}

TEST(Proof, IsRefusedForSizesThatCannotBe) {
  MemoryTree log;
  log.append_samples(8);
  EXPECT_EQ(prove_inclusion(8, 8, log.reader()).error().code, Code::kInvalid);
  EXPECT_EQ(prove_inclusion(0, 0, log.reader()).error().code, Code::kInvalid);
  EXPECT_EQ(prove_consistency({9, 8}, log.reader()).error().code, Code::kInvalid);
  EXPECT_FALSE(verify_inclusion({8, leaf_hash("")}, log.tree(8), {}));
  EXPECT_FALSE(verify_inclusion({UINT64_MAX, leaf_hash("")}, log.tree(8), {}));
  EXPECT_FALSE(verify_consistency(log.tree(8), log.tree(7), {}));
  // The root of an empty tree is known, and equal sizes have equal roots.
  EXPECT_FALSE(verify_consistency({0, leaf_hash("")}, log.tree(8), {}));
  EXPECT_FALSE(verify_consistency({8, leaf_hash("")}, log.tree(8), {}));
  EXPECT_FALSE(verify_consistency(log.tree(0), log.tree(8), {Digest()}));
  EXPECT_FALSE(verify_consistency(log.tree(8), log.tree(8), {Digest()}));
}

TEST(Proof, PassesOnWhatItsReaderFailsWith) {
  MemoryTree log;
  log.append_samples(8);
  EXPECT_EQ(prove_inclusion(3, 100, log.reader()).error().code, Code::kNotFound);
  EXPECT_EQ(prove_consistency({3, 100}, log.reader()).error().code, Code::kNotFound);
}

}  // namespace
}  // namespace keyturn::ledger
