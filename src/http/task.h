// Task<T>: a coroutine that ends in a Result<T>. Only the asynchronous rooms use it. A task runs on the
// event loop it was spawned on and never changes it. No braced temporaries and no owning closures inside
// a co_await expression: GCC 12.2 destroys them twice; name them first.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>

#include "base/clock.h"
#include "base/result.h"

namespace keyturn::http {

template <class T = void>
using Task = boost::asio::awaitable<Result<T>>;

using Executor = boost::asio::any_io_executor;

// What a callback interface calls once, from any thread, when it is done.
template <class T>
using Done = std::function<void(Result<T>)>;

// Runs `start`, which must arrange for its argument to be called exactly once, and resumes on the caller's
// loop with that result. kTimeout when `timeout` passes first; a later answer is then dropped. Instances
// exist for the types named at the end of task.cc.
template <class T>
Task<T> await_callback(std::function<void(Done<T>)> start, Duration timeout);

// Resumes after `duration`.
Task<> sleep(Duration duration);

}  // namespace keyturn::http
