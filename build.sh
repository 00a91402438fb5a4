#!/usr/bin/env bash
# Everything one does with Relaykeep, one verb each; `./build.sh help` lists them.
# Each verb brings what it needs, says what it does, and names what is missing in one line.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
ROOT=$PWD
# shellcheck source=tests/tools/versions.env
source tests/tools/versions.env

CACHE=${RELAYKEEP_CACHE:-$HOME/.cache/relaykeep}
CARGO_HOME=${CARGO_HOME:-$HOME/.cargo}
VERSION=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
OUT=$ROOT/target        # logs, test builds, screenshots; Cargo's own files may lie elsewhere
BROWSER_TESTS=$ROOT/tests/browser

usage() {
  cat <<'TEXT'
./build.sh VERB

  setup      bring every tool and package that is missing
  build      dist/chromium and dist/firefox, unpacked
  package    dist/relaykeep-<version>-{chromium,firefox}.zip
  run        two simulated sites and a Chromium with the extension, to try by hand
               --tour        headless: do the main job and show the time of each step
  check      format, lints, manifest, what the stores' linter says
               --reproducible   only: two builds in two folders are byte-equal
  test       everything, `check` included; the last line counts it
               --only NAME   one part (check, rust, wasm, e2e, firefox, reproducible), or the
                             browser suites and cases whose names hold NAME
               --sites FILE  the browser suites against real servers (see README)
  bench      the budgets of speed, against a floor measured in the same run

Tools are kept by version in ${RELAYKEEP_CACHE:-~/.cache/relaykeep}; CHROMIUM=/path, FIREFOX=/path,
CHROMEDRIVER=/path and GECKODRIVER=/path name what is not on PATH.
TEXT
}

say() { printf '\033[1m==>\033[0m %s\n' "$*" >&2; }
fail() { printf 'build.sh: %s\n' "$*" >&2; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }

# ---- what must be there -------------------------------------------------------------------

# A CI machine clones anew each time; its compiled dependencies are kept by lock file.
choose_target_dir() {
  [[ -n ${CARGO_TARGET_DIR:-} || ${CI:-} != true ]] && { export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$ROOT/target}; return; }
  local shared
  shared=$CACHE/target-$(sha256sum Cargo.lock | cut -c1-16)
  mkdir -p "$shared"
  exec 9>"$shared/.in-use"
  if ! have flock || ! flock --nonblock 9; then
    say "another run uses $shared; building in the clone"
    export CARGO_TARGET_DIR=$ROOT/target
    return
  fi
  # Cargo tells changed files by their time, which says nothing across two clones: what was
  # built from another clone's own crates is not trusted, only what the lock file fixes.
  find "$shared" -path '*/.fingerprint/relay*' -prune -exec rm -rf {} + 2>/dev/null || true
  export CARGO_TARGET_DIR=$shared
}

need_rust() {
  have cargo || fail "No Rust found: curl https://sh.rustup.rs -sSf | sh -s -- -y   (then open a new shell)"
  if [[ ! -d $(rustc --print sysroot)/lib/rustlib/wasm32-unknown-unknown/lib ]]; then
    say "adding the wasm32-unknown-unknown target"
    have rustup && rustup target add wasm32-unknown-unknown >&2 \
      || fail "No wasm32 standard library: rustup target add wasm32-unknown-unknown"
  fi
  local locked
  locked=$(sed -n '/^name = "wasm-bindgen"$/{n;s/version = "\(.*\)"/\1/p}' Cargo.lock)
  [[ $locked == "$WASM_BINDGEN" ]] \
    || fail "Cargo.lock has wasm-bindgen $locked, tests/tools/versions.env $WASM_BINDGEN: make them equal"
}

# cargo_tool CRATE VERSION BINARY [OPTION…]: installs outside the clone, whole or not at all.
cargo_tool() {
  local crate=$1 version=$2 binary=$3 name dir
  shift 3
  name=${crate%-cli}
  dir=$CACHE/$name-$version
  if [[ ! -x $dir/bin/$binary ]]; then
    say "installing $crate $version (once) to $dir"
    mkdir -p "$CACHE"
    local partial
    partial=$(mktemp -d "$CACHE/.$name-XXXXXX")
    CARGO_TARGET_DIR=$partial/target CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
      CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 CARGO_PROFILE_RELEASE_DEBUG=0 \
      cargo install "$crate" --version "$version" "$@" --root "$partial/root" >&2 \
      || { rm -rf "$partial"; fail "$crate $version could not be installed: cargo install $crate --version $version"; }
    rm -rf "$dir"
    mv "$partial/root" "$dir"
    rm -rf "$partial"
  fi
  export PATH=$dir/bin:$PATH
}

need_wasm_tools() {
  need_rust
  cargo_tool wasm-pack "$WASM_PACK" wasm-pack
  cargo_tool wasm-bindgen-cli "$WASM_BINDGEN" wasm-bindgen
}

need_npm() {
  have node && have npm || fail "No Node.js found: apt-get install nodejs npm   (version $NODE_AT_LEAST or newer)"
  node -e "const at = (text) => text.split('.').map(Number), [a, b] = [at(process.versions.node), at('$NODE_AT_LEAST')];
           process.exit(a[0] > b[0] || (a[0] === b[0] && a[1] >= b[1]) ? 0 : 1)" \
    || fail "Node.js $(node --version) is too old: version $NODE_AT_LEAST or newer is needed (nodejs.org)"
  local dir
  dir=$CACHE/npm-$(cat tests/browser/package{,-lock}.json | sha256sum | cut -c1-16)
  if [[ ! -f $dir/.complete ]]; then
    say "installing the npm packages of tests/browser/package-lock.json (once) to $dir"
    mkdir -p "$dir"
    cp tests/browser/package{,-lock}.json "$dir/"
    (cd "$dir" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2) \
      || fail "npm packages could not be installed: (cd $dir && npm ci --ignore-scripts)"
    touch "$dir/.complete"
  fi
  export RELAYKEEP_NPM=$dir
  local name
  for name in binaryen:$BINARYEN puppeteer-core:$PUPPETEER_CORE axe-core:$AXE_CORE web-ext:$WEB_EXT; do
    [[ $(node -p "require('$dir/node_modules/${name%:*}/package.json').version") == "${name#*:}" ]] \
      || fail "package-lock.json has another ${name%:*} than tests/tools/versions.env (${name#*:})"
  done
}

on_debian_as_root() { [[ $EUID -eq 0 && -f /etc/debian_version ]] && have apt-get; }

apt_install() {
  say "installing $* with apt-get"
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@"; } >&2 </dev/null \
    || fail "apt-get install $* failed"
}

find_chromium() {
  local name
  for name in "${CHROMIUM:-}" chromium chromium-browser google-chrome google-chrome-stable; do
    [[ -n $name ]] && have "$name" && { command -v "$name"; return; }
  done
  return 1
}

need_chromium() {
  if [[ -n ${CHROMIUM:-} ]] && ! have "$CHROMIUM"; then fail "CHROMIUM=$CHROMIUM is not there"; fi
  find_chromium >/dev/null || { on_debian_as_root && apt_install chromium chromium-driver fonts-noto-cjk; }
  CHROMIUM=$(find_chromium) \
    || fail "No Chromium or Chrome found: sudo apt-get install chromium   or set CHROMIUM=/path"
  export CHROMIUM
}

need_chromedriver() {
  need_chromium
  [[ -n ${CHROMEDRIVER:-} ]] || have chromedriver || { on_debian_as_root && apt_install chromium-driver; }
  CHROMEDRIVER=${CHROMEDRIVER:-$(command -v chromedriver || true)}
  [[ -n $CHROMEDRIVER ]] \
    || fail "No chromedriver found: sudo apt-get install chromium-driver   or set CHROMEDRIVER=/path"
  export CHROMEDRIVER
}

# Firefox, and geckodriver, which Debian does not have.
need_firefox() {
  need_rust
  local name found=
  for name in "${FIREFOX:-}" firefox-esr firefox; do
    [[ -n $name ]] && have "$name" && { found=$(command -v "$name"); break; }
  done
  if [[ -n ${FIREFOX:-} ]] && ! have "$FIREFOX"; then fail "FIREFOX=$FIREFOX is not there"; fi
  if [[ -z $found ]] && on_debian_as_root; then
    apt_install firefox-esr fonts-noto-cjk
    found=$(command -v firefox-esr || true)
  fi
  [[ -n $found ]] || fail "No Firefox found: sudo apt-get install firefox-esr   or set FIREFOX=/path"
  local version
  version=$("$found" --version 2>/dev/null | sed -n 's/.* \([0-9][0-9]*\)\..*/\1/p')
  [[ -n $version ]] && (( version >= FIREFOX_AT_LEAST )) \
    || fail "$found is too old: version $FIREFOX_AT_LEAST or newer is needed (sudo apt-get install firefox-esr)"
  export FIREFOX=$found
  if [[ -z ${GECKODRIVER:-} ]]; then
    cargo_tool geckodriver "$GECKODRIVER_VERSION" geckodriver --locked
    export GECKODRIVER=$CACHE/geckodriver-$GECKODRIVER_VERSION/bin/geckodriver
  fi
}

need_python3() {
  have python3 || { on_debian_as_root && apt_install python3 python3-venv; } \
    || fail "No Python found: sudo apt-get install python3 python3-venv"
}

# The independent decryptor is Python: argon2-cffi and cryptography, pinned, in their own folder.
need_python() {
  need_python3
  local dir=$CACHE/python-argon2-$PYTHON_ARGON2_CFFI-cryptography-$PYTHON_CRYPTOGRAPHY
  if [[ ! -f $dir/.complete ]]; then
    say "installing argon2-cffi and cryptography (once) to $dir"
    python3 -c 'import ensurepip' 2>/dev/null || { on_debian_as_root && apt_install python3-venv; } \
      || fail "No Python venv module: sudo apt-get install python3-venv"
    rm -rf "$dir"
    python3 -m venv "$dir" >&2
    "$dir/bin/pip" install --quiet --disable-pip-version-check \
      "argon2-cffi==$PYTHON_ARGON2_CFFI" "cryptography==$PYTHON_CRYPTOGRAPHY" >&2 \
      || fail "Python packages could not be installed: $dir/bin/pip install argon2-cffi cryptography"
    touch "$dir/.complete"
  fi
  export RELAYKEEP_PYTHON=$dir/bin/python
}

# ---- building -----------------------------------------------------------------------------

# The paths of this machine would be in the modules (panic messages): two folders, two builds. With
# vectors Argon2 takes a fifth less; every browser that takes the manifest has them.
remapped() {
  local sysroot flags=("-Ctarget-feature=+simd128")
  sysroot=$(rustc --print sysroot)
  flags+=("--remap-path-prefix=$ROOT=/relaykeep")
  flags+=("--remap-path-prefix=$CARGO_TARGET_DIR=/target")
  flags+=("--remap-path-prefix=$CARGO_HOME=/cargo")
  flags+=("--remap-path-prefix=$sysroot=/rust")
  local IFS=$'\x1f'
  CARGO_ENCODED_RUSTFLAGS="${flags[*]}" "$@"
}

# wasm_module PACKAGE CRATE_DIR OUT_DIR, under the names wasm-pack gives by itself.
wasm_module() {
  local name=${1//-/_} crate=$2 dir=$3
  say "compiling $crate"
  rm -rf "$dir"
  mkdir -p "$dir"
  remapped wasm-pack --quiet build "$crate" --target web --mode no-install --release --no-opt \
    --no-typescript --no-pack --no-gitignore --out-dir "$dir" -- --locked >&2
  local feature features=()
  for feature in $WASM_OPT_FEATURES; do features+=("--enable-$feature"); done
  node "$RELAYKEEP_NPM/node_modules/binaryen/bin/wasm-opt" -Oz "${features[@]}" \
    "$dir/${name}_bg.wasm" -o "$dir/${name}_bg.opt.wasm"
  mv "$dir/${name}_bg.opt.wasm" "$dir/${name}_bg.wasm"
}

assemble() { node tests/tools/assemble.mjs --version "$VERSION" --modules "$OUT/wasm" "$@"; }

build() {
  need_wasm_tools
  need_npm
  rm -rf "$OUT/wasm"
  wasm_module relaykeep-background crates/background "$OUT/wasm/background"
  wasm_module relaykeep-ui crates/ui "$OUT/wasm/ui"
  say "assembling dist/chromium, dist/firefox and the test builds"
  local browser
  for browser in chromium firefox; do
    assemble --browser "$browser" --out "dist/$browser"
    assemble --browser "$browser" --out "target/test/$browser" --loopback
  done
  du -b --apparent-size dist/chromium/*/*.wasm | awk '{ printf "    %8d bytes  %s\n", $1, $2 }' >&2
}

# The floor: a hello-world Leptos page, built the same way, in the same extension. Never shipped.
build_bench() {
  build
  wasm_module relaykeep-floor tests/browser/floor "$OUT/bench/extra/floor"
  cp tests/browser/floor/floor.{html,js} "$OUT/bench/extra/"
  assemble --browser chromium --out target/bench/chromium --loopback --extra "$OUT/bench/extra"
}

build_sim() {
  need_rust
  say "compiling the simulated sites"
  cargo build --quiet --locked -p relay-sim >&2
  export RELAYKEEP_SIM=$CARGO_TARGET_DIR/debug/relay-sim
}

package() {
  build
  local epoch browser file
  epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
  for browser in chromium firefox; do
    file=dist/relaykeep-$VERSION-$browser.zip
    SOURCE_DATE_EPOCH=$epoch node tests/tools/zip.mjs "dist/$browser" "$file"
    say "$file  $(stat -c %s "$file") bytes  sha256 $(sha256sum "$file" | cut -d' ' -f1)"
  done
}

# ---- parts of the test --------------------------------------------------------------------

PASSED=0 FAILED=0 SKIPPED=0 BROKEN=()

# part NAME COMMAND…: runs it, keeps its log, adds what it counted. A part that counts nothing
# itself is one test; one that fails without having counted a failure has failed once.
part() {
  local name=$1; shift
  local log=$OUT/logs/$name.log status=0 passed failed skipped began=$SECONDS
  mkdir -p "$OUT/logs"
  say "$name"
  # Not `cmd || status=$?`: inside a condition bash forgets `set -e` all the way down.
  set +e
  (set -e; "$@") 2>&1 | tee "$log"
  status=${PIPESTATUS[0]}
  set -e
  read -r passed failed skipped < <(awk '
    /^test result: / { p += $4; f += $6; counted = 1 }
    /^suites: [0-9]+ passed, [0-9]+ failed/ { p += $2; f += $4; s += $6; counted = 1 }
    END { if (!counted) print "- - 0"; else print p + 0, f + 0, s + 0 }' "$log")
  if [[ $passed == - ]]; then
    (( status == 0 )) && passed=1 failed=0 || passed=0 failed=1
  elif (( status != 0 && failed == 0 )); then
    failed=1
  fi
  (( PASSED += passed, FAILED += failed, SKIPPED += skipped )) || true
  (( failed == 0 )) || BROKEN+=("$name")
  say "$name: $passed passed, $failed failed, $((SECONDS - began)) s"
}

closing_line() {
  (( ${#BROKEN[@]} == 0 )) || say "failed in: ${BROKEN[*]} (logs in target/logs)"
  (( SKIPPED == 0 )) || say "$SKIPPED skipped"
  printf '%d passed, %d failed\n' "$PASSED" "$FAILED"
  (( FAILED == 0 ))
}

WASM_CRATES=(-p relaykeep-protocol -p relaykeep-core -p relaykeep-webext -p relaykeep-background -p relaykeep-ui)

check_format() { cargo fmt --all --check; }
check_clippy() { cargo clippy --locked --workspace --all-targets -- -D warnings; }
# Tests of the core run natively only (proptest does not compile for wasm32); the browser layer's run here.
check_clippy_wasm() {
  cargo clippy --locked --target wasm32-unknown-unknown "${WASM_CRATES[@]}" -- -D warnings &&
    cargo clippy --locked --all-targets --target wasm32-unknown-unknown -p relaykeep-webext -- -D warnings
}
check_shell() { bash -n build.sh && bash -n .ci/run && for file in tests/tools/*.sh; do bash -n "$file"; done; }
check_scripts() { local file; for file in $(git ls-files '*.mjs' 'extension/*.js'); do node --check "$file" || return 1; done; }
check_zip() {
  local a=$OUT/zip-a.zip b=$OUT/zip-b.zip copy=$OUT/zip-copy
  rm -rf "$copy" && mkdir -p "$copy" && cp -r dist/chromium/. "$copy/" # other times, other order on disk
  SOURCE_DATE_EPOCH=1700000000 TZ=UTC node tests/tools/zip.mjs dist/chromium "$a"
  SOURCE_DATE_EPOCH=1700000000 TZ=Asia/Tokyo node tests/tools/zip.mjs "$copy" "$b"
  cmp "$a" "$b"
  # A reader of somebody else's finds it sound and finds the files as they were.
  rm -rf "$copy"
  python3 -m zipfile -e "$a" "$copy"
  diff -r dist/chromium "$copy"
  # The budget is 680000: a ratchet like those in tests/house/dist.rs, to be lowered with every saving.
  (( $(stat -c %s "$a") <= 1130000 )) || { echo "the zip has $(stat -c %s "$a") bytes, more than 1130000"; return 1; }
  rm -rf "$a" "$b" "$copy"
}
check_no_paths() {
  ! grep -rlaF -e "$ROOT" -e "$CARGO_HOME" -e "$CARGO_TARGET_DIR" -e "$HOME/" dist/chromium \
    || { echo "the build holds paths of this machine"; return 1; }
}
check_web_ext() { node tests/tools/lint.mjs dist/firefox; }

check_parts() {
  need_python3
  part format check_format
  part shell check_shell
  part scripts check_scripts
  part clippy check_clippy
  part clippy-wasm check_clippy_wasm
  part build build
  part zip check_zip
  part paths check_no_paths
  part web-ext check_web_ext
}

# Two clones of one commit in two folders share nothing but the tools; their zips are equal.
reproducible() {
  local second
  git diff --quiet HEAD -- || say "note: uncommitted changes are not in the second clone"
  package
  second=$(mktemp -d /tmp/relaykeep-second-XXXXXX)
  # shellcheck disable=SC2064
  trap "rm -rf '$second'" RETURN
  git clone --quiet --no-hardlinks "$ROOT" "$second/elsewhere/relaykeep" || return 1
  git -C "$second/elsewhere/relaykeep" checkout --quiet "$(git rev-parse HEAD)" || return 1
  (cd "$second/elsewhere/relaykeep" && env -u CI CARGO_TARGET_DIR="$second/cargo" ./build.sh package) || return 1
  local browser equal=0
  for browser in chromium firefox; do
    cmp "dist/relaykeep-$VERSION-$browser.zip" "$second/elsewhere/relaykeep/dist/relaykeep-$VERSION-$browser.zip" || equal=1
  done
  if (( equal )); then diff -rq dist "$second/elsewhere/relaykeep/dist" || true; fi
  return $equal
}

# The house tests read dist and the test build, so `build` comes first.
rust_tests() { RELAYKEEP_BUILT=1 cargo test --locked --workspace --exclude relaykeep-floor --no-fail-fast; }

wasm_tests() {
  CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER="bash $ROOT/tests/tools/wasm-test-runner.sh" \
    cargo test --locked -p relaykeep-webext --target wasm32-unknown-unknown --no-fail-fast
}

firefox_suites() { node "$BROWSER_TESTS/run.mjs" --browser firefox --dist target/test/firefox --shipped dist/firefox "$@"; }

browser_suites() { node "$BROWSER_TESTS/run.mjs" --dist target/test/chromium --shipped dist/chromium "$@"; }

# ---- verbs --------------------------------------------------------------------------------

verb_setup() {
  need_wasm_tools
  need_npm
  need_chromedriver
  need_firefox
  need_python
  say "fetching crates"
  cargo fetch --locked >&2
  say "ready: $(rustc --version), $("$CHROMIUM" --version 2>/dev/null), $FIREFOX"
}

verb_run() {
  need_chromium
  build
  build_sim
  if [[ ${1:-} == --tour ]]; then
    exec node "$BROWSER_TESTS/tour.mjs" --dist target/test/chromium
  fi
  [[ -n ${DISPLAY:-}${WAYLAND_DISPLAY:-} ]] \
    || fail "No display to show a browser on: set DISPLAY, or see ./build.sh run --tour (headless)"
  exec node "$BROWSER_TESTS/play.mjs" --dist dist/chromium
}

verb_check() {
  if [[ ${1:-} == --reproducible ]]; then
    part reproducible reproducible
  else
    check_parts
  fi
  closing_line
}

verb_test() {
  local only="" sites=""
  while (( $# )); do
    case $1 in
      --only) only=${2:?--only needs a name}; shift 2 ;;
      --sites) sites=$(realpath "${2:?--sites needs a file}"); shift 2 ;;
      *) fail "test does not know $1; see ./build.sh help" ;;
    esac
  done
  need_wasm_tools
  need_npm
  if [[ -n $sites ]]; then
    need_chromium
    part build build
    part e2e-real browser_suites --sites "$sites" ${only:+--only "$only"}
    closing_line
    return
  fi
  case $only in
    "")
      need_chromedriver
      need_firefox
      need_python
      check_parts
      build_sim
      part rust rust_tests
      part wasm wasm_tests
      part e2e browser_suites
      part firefox firefox_suites
      # A second whole build: too long for a clean machine that has just done the first.
      [[ ${CI:-} == true ]] || part reproducible reproducible
      ;;
    check) check_parts ;;
    rust) need_python; part build build; part rust rust_tests ;;
    wasm) need_chromedriver; part wasm wasm_tests ;;
    reproducible) part reproducible reproducible ;;
    e2e) need_chromium; need_python; part build build; build_sim; part e2e browser_suites ;;
    firefox) need_firefox; need_python; part build build; build_sim; part firefox firefox_suites ;;
    firefox*) need_firefox; need_python; part build build; build_sim; part firefox firefox_suites --only "$only" ;;
    *) need_chromium; need_python; part build build; build_sim; part e2e browser_suites --only "$only" ;;
  esac
  closing_line
}

verb_bench() {
  need_chromium
  build_bench
  build_sim
  exec node "$BROWSER_TESTS/bench.mjs" --dist target/bench/chromium --shipped dist/chromium "$@"
}

main() {
  local verb=${1:-help}
  shift || true
  case $verb in
    help | -h | --help) usage; return ;;
    setup | build | run | test | check | package | bench) ;;
    *) usage >&2; fail "no verb \"$verb\"" ;;
  esac
  mkdir -p "$OUT"
  choose_target_dir
  case $verb in
    build) build; say "load dist/chromium in chrome://extensions, or dist/firefox in about:debugging" ;;
    package) package ;;
    check) need_npm; verb_check "$@" ;;
    *) "verb_$verb" "$@" ;;
  esac
}

main "$@"
