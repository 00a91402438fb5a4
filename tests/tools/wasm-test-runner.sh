#!/usr/bin/env bash
# Runs one wasm test binary in headless Chromium. The runner reads webdriver.json where it
# stands, so it is made beside the build and not among the sources.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cat > "$dir/webdriver.json" <<JSON
{ "goog:chromeOptions": { "binary": "$CHROMIUM", "args": ["headless=new", "no-sandbox", "disable-gpu",
  "disable-quic", "no-first-run", "disable-background-networking", "disable-component-update", "disable-sync",
  "disable-dev-shm-usage", "user-data-dir=$dir/profile"] } }
JSON
binary=$(realpath "$1")
shift
cd "$dir"
WASM_BINDGEN_TEST_TIMEOUT=120 wasm-bindgen-test-runner "$binary" "$@"
