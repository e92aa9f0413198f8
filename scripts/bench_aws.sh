# ./run bench aws: understanding, verifying, loading, explaining; one request of every operation.
bench_aws() {
  build_preset release bench_aws || return 1
  build/release/bench/aws/bench_aws
}
