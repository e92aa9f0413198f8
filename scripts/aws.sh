# What others say of AWS's requests against how Keyturn understands them: botocore's own encoding of every
# operation, iam-data, the reviewed tables, with the bars that docs/aws-coverage.md states.
. scripts/clients.sh

# judge_aws NAME COMMAND…: one judge, counted as one test.
judge_aws() {
  local name="$1"
  shift
  if "$clients_venv/bin/python" "$@"; then count "aws $name" 1 0; else count "aws $name" 0 1; fi
}

run_aws_judges() {
  need_clients || return 1
  need_command npm npm
  build_preset asan keyturn || return 1
  local binary="$PWD/build/asan/src/cli/keyturn" cache="$cache_dir/aws_model"
  mkdir -p "$cache"
  judge_aws coverage tests/aws/coverage --keyturn "$binary" --check --cache "$cache"
  judge_aws client_corpus tests/aws/client_corpus --keyturn "$binary"
  judge_aws credential_exits tests/aws/credential_exits --cache "$cache"
}
