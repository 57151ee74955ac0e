#!/usr/bin/env bash
# Makes one archive of the program that needs no .NET and brings no libtorch, for hosts that have a PyTorch: ./run.sh bundle [--out FILE]
# In it: the program, its parity tests with their references, speed programs, recipes, the miniature's model, the check of a GPU host, and packaging/coin, which starts
# them.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)"
version="$(sed -n 's:.*<Version>\(.*\)</Version>.*:\1:p' "$root/Directory.Build.props")"
name="CoIN.Actors-$version-linux-x64"
out="$PWD/$name.tar.xz"

usage() {
  cat <<EOF
./run.sh bundle [--out FILE]

Makes one archive of the program for Linux (x64) hosts that have neither .NET nor this repository. It brings no libtorch: there it works with
that of COIN_LIBTORCH or of a python3 that has PyTorch. Unpack it anywhere and begin with ./coin doctor.

  --out FILE   the archive [default: $name.tar.xz in the current folder]
EOF
}

while [[ $# -gt 0 ]]; do
  case "$1" in
    --out)
      [[ -n "${2:-}" ]] || { echo "--out needs a file, e.g. --out /tmp/$name.tar.xz" >&2; exit 2; }
      out="$(realpath -m "$2")"
      shift 2
      ;;
    -h | --help) usage; exit 0 ;;
    *) echo "bundle does not know '$1'." >&2; usage >&2; exit 2 ;;
  esac
done

[[ -d "$(dirname "$out")" ]] || { echo "$(dirname "$out") does not exist. Create it, or name another file with --out." >&2; exit 1; }
[[ ! -d "$out" ]] || { echo "$out is a folder. Name a file: --out $out/$name.tar.xz" >&2; exit 1; }
for tool in tar xz; do
  command -v "$tool" > /dev/null || { echo "'$tool' is needed to make the archive. Install it and run this again." >&2; exit 1; }
done

work="$(mktemp -d)"
trap 'rm -rf "$work" "$out.part"' EXIT
tree="$work/$name"
mkdir -p "$tree/app"

# One folder for all programs: they share the runtime and nearly every library.
publish() {
  local log="$work/publish.log"
  echo "Publishing $(basename "$1" .csproj)…" >&2
  dotnet publish "$root/$1" -c Release -r linux-x64 --self-contained -p:TorchBackend=none --artifacts-path "$work/artifacts" -o "$tree/app" \
    -v quiet --nologo -nodeReuse:false > "$log" 2>&1 || { cat "$log" >&2; echo "Publishing failed. Its messages are above." >&2; exit 1; }
}

publish tests/CoIN.Benchmark.Tests/CoIN.Benchmark.Tests.csproj
publish tests/CoIN.Models.Tests/CoIN.Models.Tests.csproj
publish tests/CoIN.Speed/CoIN.Speed.csproj
publish src/CoIN.Cli/CoIN.Cli.csproj

# The recipes' paths are relative, so the folders lie to each other as in the repository.
mkdir -p "$tree/src/CoIN.Mini" "$tree/tests/CoIN.Speed" "$tree/tests/gpu"
cp -r "$root/hocon" "$tree/hocon"
cp -r "$root/src/CoIN.Mini/Model" "$tree/src/CoIN.Mini/Model"
cp -r "$root/tests/golden" "$tree/tests/golden"
cp -r "$root/tests/CoIN.Speed/peer" "$tree/tests/CoIN.Speed/peer"
cp "$root"/tests/gpu/check.* "$root/tests/gpu/README.md" "$tree/tests/gpu/"
cp "$root/packaging/coin" "$root/packaging/libtorch.sh" "$tree/"
find "$tree" \( -name __pycache__ -o -name '*.pdb' -o -name '*.xml' \) -prune -exec rm -rf {} +
# What its own files are, so that a host can see whether they have arrived whole: sha256sum -c SHA256SUMS
(cd "$tree" && find . -type f ! -name SHA256SUMS -print0 | sort -z | xargs -0 sha256sum > SHA256SUMS)

# Sorted, with one time and owner: the same build gives the same archive.
echo "Packing…" >&2
tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 --format=gnu -cf - "$name" | xz -T0 -6 > "$out.part"
mv "$out.part" "$out"
echo "$out"
ls -l "$out" | awk '{ printf "%.1f MiB\n", $5 / 1048576 }' >&2
