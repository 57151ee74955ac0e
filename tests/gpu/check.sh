#!/usr/bin/env bash
# Verifies CoIN.Actors on a GPU host, from a checkout or from an unpacked bundle: numbers, kill and resume, memory, speed, beside
# transformers + PEFT. README.md beside this tells what is measured and how long it takes.
#
#   tests/gpu/check.sh --out results                          on cuda:0, ten minutes in all
#   tests/gpu/check.sh --device cpu --small --out results     on a CPU: shows that all of it works
set -euo pipefail

here="$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")" && pwd -P)"
root="$(dirname "$(dirname "$here")")"
device=cuda:0 build=yes
arguments=("$@")
for ((i = 0; i < ${#arguments[@]}; i++)); do
  case "${arguments[i]}" in
    --device) device="${arguments[i + 1]:-}" ;;
    --device=*) device="${arguments[i]#--device=}" ;;
    # Of the program nothing is needed, or it lies elsewhere.
    --assemble | --assemble=* | -h | --help | --root | --root=*) build=no ;;
  esac
done

fail() {
  echo "$*" >&2
  exit 2
}

command -v python3 > /dev/null || fail "python3 is needed (3.8 or later, without packages; the peer's stages need PyTorch and transformers)."

options=(--root "$root")
if [[ "$build" == yes && ! -x "$root/coin" ]]; then
  # A checkout: the programs are built; on a GPU, without a libtorch of their own, for that of the installed PyTorch is the one with CUDA.
  projects=(src/CoIN.Cli tests/CoIN.Speed tests/CoIN.Models.Tests)
  source "$root/packaging/libtorch.sh"
  if [[ "$device" == cuda* ]]; then find_libtorch; fi
  properties=()
  if [[ -n "${COIN_LIBTORCH:-}" ]]; then
    COIN_CHECK_LIBRARY_PATH="$(libtorch_path)"
    export COIN_CHECK_LIBRARY_PATH
    properties=(-p:TorchBackend=none --artifacts-path "$root/artifacts")
    options+=(--artifacts)
  fi
  export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1 DOTNET_CLI_USE_MSBUILD_SERVER=0
  command -v dotnet > /dev/null || fail "A checkout is built with the .NET SDK, and there is no 'dotnet' on the PATH." \
    "Make a bundle where it is (./run.sh bundle) and run this from it."
  for project in "${projects[@]}"; do
    echo "Building $project …"
    dotnet build "$root/$project" -c Release -v quiet -nologo -nodeReuse:false ${properties[@]+"${properties[@]}"} || fail "The build failed."
  done
fi

exec python3 "$here/check.py" "${options[@]}" "$@"
