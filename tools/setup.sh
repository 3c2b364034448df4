#!/usr/bin/env bash
# Prepare this checkout: install pinned requirements into .venv, build the ROS package into install/.
#
# usage: tools/setup.sh demo|test
#   demo  requirements of the node and the demo; no torch
#   test  the same plus those of training, export, tests, linters and documentation
#
# PYTHON names the interpreter (default: python3). Finished steps are skipped.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
unset AMENT_PREFIX_PATH CMAKE_PREFIX_PATH COLCON_PREFIX_PATH PYTHONPATH PYTHONHOME # a sourced ROS would mix in

PYTHON=${PYTHON:-python3}
VENV=$PWD/.venv
STAMPS=$VENV/stamps
APT="sudo apt-get install git make cmake g++ python3-venv python3-dev"

fail() {
  echo "setup: $1" >&2
  exit 1
}

check_machine() {
  local tool
  for tool in "$PYTHON" make cmake g++; do
    command -v "$tool" >/dev/null || fail "$tool is missing; on Debian and Ubuntu: $APT"
  done
  "$PYTHON" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' ||
    fail "$("$PYTHON" -V) found, the ROS wheels need Python 3.10 to 3.13: make PYTHON=python3.12 ..."
  [[ $(uname -sm) == "Linux x86_64" ]] ||
    fail "the ROS wheels are for Linux x86-64, this is $(uname -sm): build with your ROS distribution (docs/ros.md)"
  "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null || fail "python's venv is missing; on Debian and Ubuntu: $APT"
}

# stamped NAME FILE...: true if step NAME was finished with these contents of the files; `stamp` records it
digest() { { "$VENV/bin/python" -V && cat "${@:2}"; } | sha256sum; }
stamped() { [[ -f $STAMPS/$1 && $(<"$STAMPS/$1") == "$(digest "$@")" ]]; }
stamp() { mkdir -p "$STAMPS" && digest "$@" >"$STAMPS/$1"; }

install() { # install NAME FILE...: install the requirement files in one resolution
  local name=$1 file words=()
  stamped "$@" && return
  echo "setup: installing $name requirements (a few minutes the first time)"
  for file in "${@:2}"; do
    [[ $file == *constraints* ]] || words+=(-r "$file")
  done
  [[ -t 1 ]] || words+=(--quiet)
  "$VENV/bin/python" -m pip install --disable-pip-version-check -c requirements/robot.txt "${words[@]}"
  stamp "$@"
}

python_headers() { # print the folder of Python.h; Debian has it in a separate package
  local folder version extracted=$VENV/include/debian
  folder=$("$VENV/bin/python" -c 'import sysconfig; print(sysconfig.get_paths()["include"])')
  version=$(basename "$folder")
  if [[ ! -f $folder/Python.h ]]; then
    folder=$extracted/usr/include/$version
    if [[ ! -f $folder/Python.h ]]; then
      echo "setup: Python.h is missing; taking it from the package lib$version-dev, without installing that" >&2
      mkdir -p "$extracted"
      (cd "$extracted" && apt-get download -qq "lib$version-dev" && dpkg-deb -x lib"$version"-dev_*.deb .) >&2 ||
        fail "Python's headers are missing; on Debian and Ubuntu: $APT"
    fi
  fi
  echo "$folder"
}

build() {
  local sources=(CMakeLists.txt package.xml tools/ros_executables.cfg msg/*.msg requirements/ros*.txt)
  local headers names
  names=$VENV/stamps/installed_files # files are installed as links: only new names need a build
  find jspnet_core jspnet_ros config launch rviz -type f -not -path '*/__pycache__/*' | LC_ALL=C sort >"$names"
  stamped build "${sources[@]}" "$names" && return
  echo "setup: building the ROS package (about a minute the first time)"
  headers=$(python_headers)
  if [[ $headers == "$VENV"/* ]]; then # Debian's Python.h includes a file from beside its folder
    export C_INCLUDE_PATH=${headers%/*} CPLUS_INCLUDE_PATH=${headers%/*}
  fi
  "$VENV/bin/python" tools/fix_ros_wheels.py "$headers"
  PATH=$VENV/bin:$PATH AMENT_PREFIX_PATH=$VENV CMAKE_PREFIX_PATH=$VENV PYTHONWARNINGS=ignore \
    "$VENV/bin/colcon" --log-level error build --symlink-install --event-handlers console_stderr- \
    --cmake-args -DPython3_EXECUTABLE="$VENV/bin/python" -DPython3_INCLUDE_DIR="$headers" -DBUILD_TESTING=OFF ||
    fail "the build failed; its output is in log/latest_build/jspnet_ros/stdout_stderr.log"
  stamp build "${sources[@]}" "$names"
}

delete_stale_kernels() { # numba's cache checks the file of a function, but not the files of its callees
  local sources
  mapfile -t sources < <(grep -rl numba jspnet_core --include '*.py' | LC_ALL=C sort)
  stamped kernels "${sources[@]}" && return
  find jspnet_core -name '*.nb[ic]' -delete
  stamp kernels "${sources[@]}"
}

main() {
  local layer=${1:-}
  [[ $layer == demo || $layer == test ]] || fail "the argument must be demo or test, found '$layer'"
  check_machine
  "$VENV/bin/python" -m pip --version >/dev/null 2>&1 || {
    echo "setup: creating .venv with $("$PYTHON" -V)"
    "$PYTHON" -m venv --clear "$VENV"
  }
  mkdir -p "$STAMPS"
  install demo requirements/{robot,ros,ros_constraints,demo}.txt
  if ! stamped command pyproject.toml setup.py; then
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
    stamp command pyproject.toml setup.py
  fi
  [[ $layer == demo ]] || install test requirements/{train,prepare,formats,test,docs}.txt
  build
  delete_stale_kernels
  echo "setup: ready"
}

main "$@"
