# To be sourced: names the libtorch of an installed PyTorch, where COIN_LIBTORCH names none yet, and CUDA's libraries beside it.

# The lib folder of an installed PyTorch. It is found, not imported: that would take seconds.
pytorch_library() {
  "${COIN_PYTHON:-python3}" -c '
import sys
# Not a folder "torch" that lies where this is called from.
sys.path = [path for path in sys.path if path]
import importlib.util, os
spec = importlib.util.find_spec("torch")
if spec and spec.origin:
    print(os.path.join(os.path.dirname(spec.origin), "lib"))' 2> /dev/null || true
}

# Exports COIN_LIBTORCH, if there is a PyTorch or the variable is set already.
find_libtorch() {
  if [[ -z "${COIN_LIBTORCH:-}" ]]; then
    COIN_LIBTORCH="$(pytorch_library)"
    if [[ -n "$COIN_LIBTORCH" ]]; then export COIN_LIBTORCH; else unset COIN_LIBTORCH; fi
  fi
}

# LD_LIBRARY_PATH with libtorch and with CUDA's libraries, where pip has put them beside PyTorch.
libtorch_path() {
  local folder path="${LD_LIBRARY_PATH:-}"
  for folder in "$COIN_LIBTORCH" "$COIN_LIBTORCH"/../../nvidia/*/lib; do
    if [[ -d "$folder" ]]; then path="${path:+$path:}$(cd "$folder" && pwd -P)"; fi
  done
  printf '%s\n' "$path"
}
