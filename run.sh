#!/usr/bin/env bash
# CoIN.Actors from a checkout. Works from any folder and through symbolic links.
#
#   ./run.sh                  builds, then runs the miniature experiment
#   ./run.sh test [project…]  builds, then runs the tests; the last line counts them
#   ./run.sh test parity      … only those against outputs of reference implementations
#   ./run.sh bench [--help]   builds, then measures speed and memory beside Hugging Face transformers
#   ./run.sh bundle [--help]  makes one archive of the program for hosts without .NET
#   ./run.sh <command> …      builds, then gives everything to the coin command; ./run.sh --help shows them
set -euo pipefail

self="${BASH_SOURCE[0]}"
while [[ -L "$self" ]]; do
  target="$(readlink "$self")"
  [[ "$target" == /* ]] || target="$(dirname "$self")/$target"
  self="$target"
done
root="$(cd "$(dirname "$self")" && pwd -P)"

readonly sdk_needed=10
readonly sdk_remedy="Get it from https://dotnet.microsoft.com/download/dotnet/$sdk_needed.0 and run this again."

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en
# Build servers would outlive this script.
export MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0 UseSharedCompilation=false
# Waiting compute threads sleep rather than spin: trainer and evaluators share the cores.
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-passive}"
# One place for runs, wherever this is called from.
export COIN_RUNS="${COIN_RUNS:-$root/runs}"

fail() {
  printf '%s\n' "$*" >&2
  exit 1
}

check_sdk() {
  command -v dotnet > /dev/null || fail "The .NET SDK $sdk_needed is needed; there is no 'dotnet' on the PATH. $sdk_remedy"
  local sdks newest
  sdks="$(dotnet --list-sdks 2> /dev/null | cut -d' ' -f1)"
  newest="$(sort -V <<< "$sdks" | tail -n 1)"
  [[ "${newest%%.*}" =~ ^[0-9]+$ && "${newest%%.*}" -ge $sdk_needed ]] \
    || fail "The .NET SDK $sdk_needed or later is needed; found ${newest:-none} ($(command -v dotnet)). $sdk_remedy"
}

# What a build is made of that is newer than the build, if there is any; everything where there is no build.
newer_than() {
  local newest
  newest="$(ls -t "$(dirname "$1")"/coin*.dll "$(dirname "$1")"/CoIN.*.dll 2> /dev/null | head -n 1)" || true
  find "$root/src" "$root/hocon" "$root"/Directory.*.props -type f \( -name '*.cs' -o -name '*.csproj' -o -name '*.props' -o -name '*.conf' \) \
    -not -path '*/obj/*' -not -path '*/bin/*' ${newest:+-newer "$newest"} 2> /dev/null || true
}

# Whether a build may write where builds write.
can_build() {
  local project folder
  for project in "$root"/src/*/; do
    for folder in "${project}obj" "${project}bin"; do
      if [[ -e "$folder" ]]; then [[ -w "$folder" ]] || return 1; else [[ -w "$project" ]] || return 1; fi
    done
  done
}

# build_program TARGET PROGRAM [option…]: in a checkout that may only be read, the program as it was built before.
build_program() {
  if ! can_build; then
    [[ -f "$2" ]] || fail "$root may not be written, and the program is not built yet. Run ./run.sh there once as its owner, or copy the checkout to a folder of your own."
    if [[ -n "$(newer_than "$2")" ]]; then
      echo "$root may not be written: this is the program as it was built, and its sources have changed since. Its owner builds it with ./run.sh." >&2
    fi
    return
  fi
  # Where nobody sees the line that is written over, what takes half a minute is told once.
  if [[ ! -t 2 && -n "$(newer_than "$2")" ]]; then echo "Building…" >&2; fi
  build "$1" "${@:3}"
}

# build TARGET [option…]: quiet; the log is shown only when it fails. Progress goes to stderr, so that stdout is the command's own.
build() {
  local log status=0
  log="$(mktemp)"
  if [[ -t 2 ]]; then printf 'Building %s …' "$(basename "$1")" >&2; fi
  dotnet build "$root/$1" -c Release -v quiet -nodeReuse:false "${@:2}" > "$log" 2>&1 || status=$?
  if [[ -t 2 ]]; then printf '\r\033[K' >&2; fi
  if [[ $status -ne 0 ]]; then
    cat "$log" >&2
    rm -f "$log"
    fail "The build failed. Its messages are above; the first error is usually the one that matters."
  fi
  rm -f "$log"
}

# Gives what is run from here tcmalloc where the system has it: it takes up to a third less memory than glibc's malloc for the same tensors. COIN_MALLOC=system leaves it out.
# It is to keep what layers free until work ends, when the program gives it back: the next layer takes it again, and every page would have to be made anew.
prefer_tcmalloc() {
  if [[ "${COIN_MALLOC:-}" == system || -n "${LD_PRELOAD:-}" ]]; then return; fi
  local library
  library="$(PATH="$PATH:/sbin:/usr/sbin" ldconfig -p 2> /dev/null | awk '/libtcmalloc(_minimal)?\.so\.4 / && /x86-64/ && !found { print $NF; found = 1 }')" || return 0
  if [[ -n "$library" ]]; then export LD_PRELOAD="$library" TCMALLOC_RELEASE_RATE="${TCMALLOC_RELEASE_RATE:-0}"; fi
}

# The counts "passed failed skipped" of a test project's report in xUnit's XML format.
counts() {
  grep -o '<assembly [^>]*>' "$1" | awk '
    function value(name,   text) {
      if (match($0, " " name "=\"[0-9]+\"")) {
        text = substr($0, RSTART, RLENGTH)
        gsub(/[^0-9]/, "", text)
        return text + 0
      }
      return 0
    }
    { passed += value("passed"); failed += value("failed") + value("errors"); skipped += value("skipped") }
    END { print passed + 0, failed + 0, skipped + 0 }'
}

# The test projects that match a word of the arguments (all without any); the end-to-end tests, which take longest, last.
test_projects() {
  local project name lower word
  for project in "$root"/tests/*.Tests/*.csproj; do
    name="$(basename "$project" .csproj)"
    lower="$(tr '[:upper:]' '[:lower:]' <<< "$name")"
    if [[ $# -eq 0 ]]; then printf '%s\n' "$name"; fi
    for word in "$@"; do
      if [[ "$lower" == *"$(tr '[:upper:]' '[:lower:]' <<< "$word")"* ]]; then
        printf '%s\n' "$name"
        break
      fi
    done
  done | awk '/EndToEnd/ { last = last $0 "\n"; next } { print } END { printf "%s", last }'
}

run_tests() {
  local -a filter=() projects=()
  if [[ "${1:-}" == parity ]]; then
    filter=(-trait "Category=Parity")
    shift
  fi
  local project
  while read -r project; do projects+=("$project"); done < <(test_projects "$@")
  [[ ${#projects[@]} -gt 0 ]] || fail "No test project matches: $*. There are: $(test_projects | tr '\n' ' ')"

  echo "Building…"
  build CoIN.Actors.sln
  local passed=0 failed=0 skipped=0 name report status good bad skip results
  results="$(mktemp -d)"
  # shellcheck disable=SC2064
  trap "rm -rf '$results'" EXIT
  for name in "${projects[@]}"; do
    report="$results/$name.xml"
    status=0 good=0 bad=0 skip=0
    echo "== $name"
    dotnet exec "$root/tests/$name/bin/Release/net10.0/$name.dll" -noLogo -noColor -xml "$report" ${filter[@]+"${filter[@]}"} || status=$?
    if [[ -s "$report" ]]; then read -r good bad skip < <(counts "$report"); fi
    # A project that breaks down without a failing test must not pass for a good one.
    if [[ $status -ne 0 && $bad -eq 0 ]]; then
      echo "$name ended with status $status but reported no failing test."
      bad=1
    fi
    passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + skip))
  done

  local line="$passed passed, $failed failed"
  if [[ $skipped -gt 0 ]]; then line+=", $skipped skipped"; fi
  echo "$line"
  [[ $failed -eq 0 && $passed -gt 0 ]]
}

main() {
  case "${1:-}" in
    test)
      check_sdk
      shift
      run_tests "$@"
      ;;
    bench)
      check_sdk
      shift
      build tests/CoIN.Speed/CoIN.Speed.csproj
      prefer_tcmalloc
      exec dotnet exec "$root/tests/CoIN.Speed/bin/Release/net10.0/coin-speed.dll" "$@"
      ;;
    bundle)
      check_sdk
      shift
      exec "$root/packaging/bundle.sh" "$@"
      ;;
    *)
      check_sdk
      local program="$root/src/CoIN.Cli/bin/Release/net10.0/coin.dll"
      if [[ -n "${COIN_LIBTORCH:-}" ]]; then
        # A build without a libtorch of its own, in a place of its own.
        program="$root/artifacts/bin/CoIN.Cli/release/coin.dll"
        build_program src/CoIN.Cli/CoIN.Cli.csproj "$program" -p:TorchBackend=none --artifacts-path "$root/artifacts"
      else
        build_program src/CoIN.Cli/CoIN.Cli.csproj "$program"
      fi
      if [[ $# -eq 0 ]]; then set -- run "$root/hocon/mini.hocon"; fi
      prefer_tcmalloc
      # exec: signals reach the command itself.
      exec dotnet exec "$program" "$@"
      ;;
  esac
}

# Sourced by the tests of this script: then only the functions are wanted.
if [[ "${BASH_SOURCE[0]}" == "$0" ]]; then main "$@"; fi
