# What a verb needs before it can do its work: Debian packages, npm packages, a configured and built tree.
# Source it after step.sh. Every function does nothing, quickly, when nothing is to do.

setup_stamps=$step_root/build/stamps

# --- Debian packages -------------------------------------------------------------------------------------------

# NAME lines of tools/apt-packages.txt for the given sections, this machine's kind, without what `have=` satisfies.
apt_wanted() {
  local arch section="" line name word keep
  arch=$(dpkg --print-architecture)
  while read -r line; do
    line=${line%%#*}
    [[ $line =~ ^[[:space:]]*$ ]] && continue
    if [[ $line =~ ^\[([a-z-]+)\][[:space:]]*$ ]]; then section=${BASH_REMATCH[1]}; continue; fi
    [[ " $* " == *" $section "* ]] || continue
    keep=1 name=""
    for word in $line; do
      case $word in
        \[*\]) [[ $word == "[$arch]" ]] || keep=0 ;;
        have=*) have_command "${word#have=}" && keep=0 ;;
        *) name=$word ;;
      esac
    done
    ((keep)) && printf '%s\n' "$name"
  done <"$step_root/tools/apt-packages.txt"
  return 0
}

have_command() {  # COMMAND:MAJOR
  local command=${1%%:*} major=${1##*:} version
  command -v "$command" >/dev/null || return 1
  version=$("$command" --version 2>/dev/null | head -n 1 | tr -d v)
  [[ ${version%%.*} =~ ^[0-9]+$ ]] && ((${version%%.*} >= major))
}

apt_missing() {
  local wanted
  mapfile -t wanted < <(apt_wanted "$@" | sort -u)
  comm -23 <(printf '%s\n' "${wanted[@]}") <(
    dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null |
      sed -n 's/^installed //p' | sort -u
  )
}

install_packages() {  # SECTION...
  if [[ -n ${COCOON_SKIP_APT:-} ]]; then note "left to you: COCOON_SKIP_APT is set"; return 0; fi
  if ! command -v dpkg-query >/dev/null; then
    advise "this is no Debian: install what tools/apt-packages.txt lists and run again with COCOON_SKIP_APT=1"
    return 1
  fi
  local missing root=()
  mapfile -t missing < <(apt_missing "$@")
  if ((${#missing[@]} == 0)); then note "nothing to do"; return 0; fi
  if (($(id -u) != 0)); then
    if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
      advise "as root: apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
      return 1
    fi
    root=(sudo -n)
  fi
  doing "downloading the lists"
  "${root[@]}" apt-get -o Acquire::Retries=3 update || return
  doing "${#missing[@]} packages"
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 install -y --no-install-recommends "${missing[@]}" || return
  note "${#missing[@]} installed"
}

# A password is asked for here, where there is a terminal, not inside a step.
ask_for_root() {  # SECTION...
  [[ -n ${COCOON_SKIP_APT:-} ]] && return 0
  command -v dpkg-query >/dev/null && command -v sudo >/dev/null && (($(id -u) != 0)) && [[ -t 0 ]] || return 0
  [[ -n $(apt_missing "$@") ]] && sudo -v
  return 0
}

# --- npm packages ----------------------------------------------------------------------------------------------

install_npm() {
  cd "$step_root" || return
  local try before lock=node_modules/.package-lock.json
  before=$(stat -c %Y "$lock" 2>/dev/null)
  for try in 1 2 3; do
    if node tools/node-packages.mjs; then
      if [[ $(stat -c %Y "$lock") == "$before" ]]; then note "nothing to do"; fi
      return 0
    fi
    echo "try $try of 3 failed"
  done
  return 1
}

# --- the build -------------------------------------------------------------------------------------------------

# One compiler of ours takes up to 1.5 GiB on the files with coroutines.
build_jobs() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable/ {print int($2 / 1572864)}' /proc/meminfo 2>/dev/null)
  if [[ -n ${JOBS:-} ]]; then echo "$JOBS"; return; fi
  if ((memory < 1)); then memory=1; fi
  echo $((cores < memory ? cores : memory))
}

# All that decides how the tree is configured; a new room is a new CMakeLists.txt.
configure_key() {
  cd "$step_root" || return
  {
    find CMakeLists.txt CMakePresets.json cmake src tests bench -name CMakeLists.txt -o -name '*.cmake' \
      -o -name CMakePresets.json | LC_ALL=C sort | xargs sha256sum
    "${CXX:-c++}" --version
    printf '%s\n' "$*"
  } 2>/dev/null | sha256sum
}

configure() {  # PRESET [CMAKE ARGUMENTS...]
  cd "$step_root" || return
  local preset=$1 key stamp=$setup_stamps/configure-$1
  key=$(configure_key "$@")
  if [[ -f build/$preset/build.ninja && -f $stamp && $(<"$stamp") == "$key" ]]; then note "nothing to do"; return 0; fi
  shift
  cmake --preset "$preset" "$@" || return
  mkdir -p "$setup_stamps"
  printf '%s\n' "$key" >"$stamp"
}

build() {  # PRESET [TARGETS...]
  cd "$step_root" || return
  local preset=$1
  shift
  # Two verbs at once take turns: ninja has no lock of its own.
  exec 8>"build/$preset.lock"
  flock -n 8 || { doing "waiting for another build of $preset"; flock 8; doing ""; }
  ninja -C "build/$preset" -j "$(build_jobs)" "$@" || return
  if tail -n 2 "$step_logs"/build-"$preset".log 2>/dev/null | grep -q 'no work to do'; then note "nothing to do"; fi
}

# --- what the verbs share --------------------------------------------------------------------------------------

plan_packages() {  # SECTION...
  ask_for_root "$@"
  plan "Debian packages" apt \
    "check the network and run the command again; the packages are listed in tools/apt-packages.txt" \
    install_packages "$@"
}
plan_npm() {
  plan "npm packages" npm \
    "check that npm reaches its registry ('npm ping') and run the command again" install_npm
}
plan_build() {  # PRESET [TARGETS...]
  plan "configuring ($1)" "configure-$1" \
    "read build/logs/configure-$1.log; 'make clean' starts from nothing" configure "$1"
  plan "building ($1)" "build-$1" \
    "read build/logs/build-$1.log; when the compiler was killed for memory, run again with JOBS=1" build "$@"
}
