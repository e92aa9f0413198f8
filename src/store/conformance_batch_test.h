// What every engine must do with many units at once: group commit, the queue, the batch step.
#pragma once

#include "store/conformance_fixture_test.h"

namespace keyturn::store {

TEST_P(StoreConformance, AFailingUnitLeavesNoTraceAndHarmsNoOther) {
  make_table();
  SeededRandom random(11);
  std::vector<std::int64_t> expected;
  std::atomic<int> wrong{0};
  for (int round = 0; round < 5; ++round) {
    Plug plug(*store_);
    for (int i = 0; i < 300; ++i) {
      const std::int64_t id = round * 1'000 + i;
      const bool fails = static_cast<unsigned char>(random.bytes(1)[0]) % 3 == 0;
      if (!fails) expected.push_back(id);
      store_->submit(
          [id, fails](Transaction& transaction) -> Result<void> {
            TRY_VOID(insert(id)(transaction));
            if (fails) return fail(Code::kDenied, "not {}", id);
            return {};
          },
          [&wrong, id, fails](Result<void> result) {
            if (result.has_value() == fails) ++wrong;
            if (fails && result.error().message != fmt::format("not {}", id)) ++wrong;
          });
    }
    plug.open();
    ASSERT_EQ(store_->run([](Transaction&) -> Result<void> { return {}; }), kDone);
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(ids(), expected);
}

TEST_P(StoreConformance, TheGenerationStaysUntilSomethingMayHaveBeenUndone) {
  make_table();
  std::vector<std::optional<std::uint64_t>> seen;
  const auto look = [&seen](bool fails) {
    return [&seen, fails](Transaction& transaction) -> Result<void> {
      seen.push_back(transaction.generation());
      if (fails) return fail(Code::kDenied, "no");
      return {};
    };
  };
  {
    Plug plug(*store_);
    for (const bool fails : {false, false, true, false}) {
      store_->submit(look(fails), [](const Result<void>&) {});
    }
    plug.open();
    ASSERT_EQ(store_->run([](Transaction&) -> Result<void> { return {}; }), kDone);
  }
  ASSERT_EQ(store_->run(look(false)), kDone);
  ASSERT_EQ(seen.size(), 5U);
  EXPECT_TRUE(seen[0]);
  EXPECT_EQ(seen[0], seen[1]);
  EXPECT_EQ(seen[1], seen[2]);
  EXPECT_NE(seen[2], seen[3]) << "a unit was undone";
  EXPECT_NE(seen[3], seen[4]) << "another transaction";
}

TEST_P(StoreConformance, AUnitIsAnsweredOnlyWhenReadersSeeItsWork) {
  make_table();
  for (std::int64_t id = 0; id < 50; ++id) {
    std::promise<bool> seen;
    store_->submit(insert(id), [&, id](Result<void> result) {
      const std::vector<std::int64_t> now = ids();
      seen.set_value(result.has_value() && !now.empty() && now.back() == id);
    });
    ASSERT_TRUE(seen.get_future().get());
  }
}

TEST_P(StoreConformance, UnitsRunInTheOrderSubmitted) {
  std::vector<int> order;
  {
    Plug plug(*store_);
    for (int i = 0; i < 2'000; ++i) {
      store_->submit(
          [&order, i](Transaction&) -> Result<void> {
            order.push_back(i);
            return {};
          },
          [](Result<void>) {});
    }
    plug.open();
    ASSERT_EQ(store_->run([](Transaction&) -> Result<void> { return {}; }), kDone);
  }
  ASSERT_EQ(order.size(), 2'000U);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_P(StoreConformance, TheBatchStepRunsLastAndCommitsWithItsBatch) {
  make_table();
  std::vector<std::string> events;
  store_->set_batch_step(
      [&](Transaction& transaction) -> Result<void> {
        TRY(const Rows rows, transaction.query("SELECT count(*) FROM test_items"));
        events.push_back(fmt::format("step after {}", rows[0].integer(0)));
        return {};
      },
      [&](Result<void> result) { events.push_back(result ? "committed" : "failed"); });
  Plug plug(*store_);
  for (std::int64_t id = 1; id <= 3; ++id) {
    store_->submit(insert(id), [&](Result<void>) { events.push_back("answered"); });
  }
  plug.open();
  ASSERT_EQ(store_->run([](Transaction&) -> Result<void> { return {}; }), kDone);
  store_->close();
  // The plug's own batch came first; run()'s may or may not share the last one.
  const std::vector<std::string> expected = {
      "step after 0", "committed", "step after 3", "committed", "answered", "answered", "answered"};
  ASSERT_GE(events.size(), expected.size());
  EXPECT_TRUE(std::equal(expected.begin(), expected.end(), events.begin()));
}

TEST_P(StoreConformance, AFailingBatchStepFailsTheWholeBatch) {
  make_table();
  std::atomic<bool> failing{true};
  int committed = 0;
  int failed = 0;
  store_->set_batch_step(
      [&](Transaction&) -> Result<void> {
        if (failing) return fail(Code::kUnavailable, "no head");
        return {};
      },
      [&](Result<void> result) { result ? ++committed : ++failed; });
  EXPECT_EQ(store_->run(insert(1)).error(), (Error{Code::kUnavailable, "no head"}));
  EXPECT_TRUE(ids().empty());
  failing = false;
  EXPECT_EQ(store_->run(insert(1)), kDone);
  EXPECT_EQ(ids(), std::vector<std::int64_t>{1});
  store_->close();
  EXPECT_EQ(committed, 1);
  EXPECT_EQ(failed, 1);
}

TEST_P(StoreConformance, TheBatchStepDoesNotRunForABatchThatFailedWhole) {
  int steps = 0;
  store_->set_batch_step(
      [&](Transaction&) -> Result<void> {
        ++steps;
        return {};
      },
      [](Result<void>) {});
  EXPECT_EQ(
      code_of(store_->run([](Transaction&) -> Result<void> { return fail(Code::kDenied, "no"); })),
      Code::kDenied);
  store_->close();
  EXPECT_EQ(steps, 0);
}

TEST_P(StoreConformance, AFullQueueRefusesAndLosesNothingThatItTook) {
  std::atomic<std::size_t> done{0};
  std::atomic<std::size_t> refused{0};
  Plug plug(*store_);
  const std::size_t sent = Store::kQueueUnitsMax + 100;
  for (std::size_t i = 0; i < sent; ++i) {
    store_->submit([](Transaction&) -> Result<void> { return {}; },
                   [&](Result<void> result) {
                     if (result) ++done;
                     if (!result && code_of(result) == Code::kExhausted) ++refused;
                   });
  }
  EXPECT_EQ(refused, 100U);
  EXPECT_EQ(done, 0U);
  plug.open();
  store_->close();
  EXPECT_EQ(done, Store::kQueueUnitsMax);
}

TEST_P(StoreConformance, ClosingFinishesWhatIsQueuedAndRefusesTheRest) {
  make_table();
  std::atomic<int> done{0};
  for (std::int64_t id = 0; id < 700; ++id) {
    store_->submit(insert(id), [&](Result<void> result) { done += result ? 1 : 0; });
  }
  store_->close();
  store_->close();
  EXPECT_EQ(done, 700);
  EXPECT_EQ(code_of(store_->run(insert(1'000))), Code::kUnavailable);
  EXPECT_EQ(code_of(store_->read([](Transaction&) -> Result<void> { return {}; })),
            Code::kUnavailable);
  reopen();
  EXPECT_EQ(ids().size(), 700U);
}

TEST_P(StoreConformance, ALargeBatchIsCutByItsBytes) {
  make_table();
  std::atomic<int> batches{0};
  store_->set_batch_step(
      [&](Transaction&) -> Result<void> {
        ++batches;
        return {};
      },
      [](Result<void>) {});
  Plug plug(*store_);
  for (std::int64_t id = 0; id < 40; ++id) {
    store_->submit(
        [id](Transaction& transaction) -> Result<void> {
          TRY_VOID(transaction.execute("INSERT INTO test_items (id, data) VALUES (?1, ?2)",
                                       {id, Blob{std::string(100'000, 'x')}}));
          return {};
        },
        [](Result<void>) {});
  }
  plug.open();
  store_->close();
  // 11 units pass the megabyte; the first batch is the plug's.
  EXPECT_EQ(batches, 5);
  reopen();
  EXPECT_EQ(ids().size(), 40U);
}

TEST_P(StoreConformance, ConcurrentWritersLoseNothing) {
  make_table();
  ASSERT_EQ(store_->run(insert(0)), kDone);
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        EXPECT_EQ(store_->run([](Transaction& transaction) -> Result<void> {
          TRY(const Rows rows, transaction.query("SELECT length(data) FROM test_items"));
          const std::int64_t size = rows[0].is_null(0) ? 0 : rows[0].integer(0);
          TRY_VOID(
              transaction.execute("UPDATE test_items SET data = ?1",
                                  {Blob{std::string(static_cast<std::size_t>(size) + 1, 'x')}}));
          return {};
        }),
                  kDone);
        EXPECT_EQ(ids().size(), 1U);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  ASSERT_EQ(store_->read([](Transaction& transaction) -> Result<void> {
    TRY(const Rows rows, transaction.query("SELECT length(data) FROM test_items"));
    EXPECT_EQ(rows[0].integer(0), 800);
    return {};
  }),
            kDone);
}

// Random units against a map: what the store holds is what the committed units did, in order.

TEST_P(StoreConformance, BehavesAsAMapWouldUnderRandomUnits) {
  make_table();
  SeededRandom random(12);
  const auto draw = [&](unsigned count) {
    return static_cast<unsigned char>(random.bytes(1)[0]) % count;
  };
  std::map<std::int64_t, std::string> model;
  std::deque<bool> outcomes;
  for (int round = 0; round < 20; ++round) {
    Plug plug(*store_);
    for (unsigned u = 0; u < 1 + draw(60); ++u) {
      struct Step {
        unsigned what;
        std::int64_t id;
        std::string data;
      };
      std::vector<Step> steps;
      for (unsigned s = 0; s < 1 + draw(4); ++s) {
        steps.push_back({draw(8), draw(20), random.bytes(draw(30))});
      }
      std::map<std::int64_t, std::string> after = model;
      bool succeeds = true;
      for (const Step& step : steps) {
        if (step.what == 0) succeeds = false;
        if (step.what >= 1 && step.what <= 4 && !after.emplace(step.id, step.data).second)
          succeeds = false;
        if (step.what == 5 && after.count(step.id) != 0) after[step.id] = step.data;
        if (step.what >= 6) after.erase(step.id);
        if (!succeeds) break;
      }
      if (succeeds) model = after;
      store_->submit(
          [steps](Transaction& transaction) -> Result<void> {
            for (const Step& step : steps) {
              if (step.what == 0) return fail(Code::kDenied, "on purpose");
              if (step.what <= 4) {
                TRY_VOID(transaction.execute("INSERT INTO test_items (id, data) VALUES (?1, ?2)",
                                             {step.id, Blob{step.data}}));
              } else if (step.what == 5) {
                TRY_VOID(transaction.execute("UPDATE test_items SET data = ?2 WHERE id = ?1",
                                             {step.id, Blob{step.data}}));
              } else {
                TRY_VOID(transaction.execute("DELETE FROM test_items WHERE id = ?1", {step.id}));
              }
            }
            return {};
          },
          [succeeds](Result<void> result) { EXPECT_EQ(result.has_value(), succeeds); });
    }
    plug.open();
    if (draw(4) == 0) reopen();
    ASSERT_EQ(store_->run([](Transaction&) -> Result<void> { return {}; }), kDone);
    std::map<std::int64_t, std::string> found;
    ASSERT_EQ(store_->read([&](Transaction& transaction) -> Result<void> {
      TRY(const Rows rows, transaction.query("SELECT id, data FROM test_items"));
      for (const Row& row : rows) found[row.integer(0)] = row.blob(1);
      return {};
    }),
              kDone);
    ASSERT_EQ(found, model) << "round " << round;
  }
}

TEST_P(StoreConformance, WaitingForAUnitInsideAUnitAborts) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(static_cast<void>(store_->run([this](Transaction&) -> Result<void> {
                 return store_->run([](Transaction&) -> Result<void> { return {}; });
               })),
               "broken invariant");
}

}  // namespace keyturn::store
