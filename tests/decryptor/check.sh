#!/bin/sh
# Opens the frozen vaults without any of our code. PYTHON: one with argon2-cffi and cryptography.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
vaults=$here/../fixtures/vault
open() { "${PYTHON:-python3}" "$here/open_vault.py" "$@"; }
phrase='Grün wie Gräser 中文'
device=BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc

check() {
    name=$1
    shift
    "$@" | jq -S . >"$work/found"
    jq -S "$filter" "$expected" >"$work/expected"
    cmp -s "$work/found" "$work/expected" || { echo "differs: $name"; exit 1; }
    echo "opened: $name"
}
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

filter=.
expected=$vaults/format1-passphrase.expected.json
check "passphrase vault" open "$vaults/format1-passphrase.json" --passphrase "$phrase"
decomposed=$("${PYTHON:-python3}" -c 'import sys, unicodedata as u; print(u.normalize("NFD", sys.argv[1]))' "$phrase")
check "passphrase typed as NFD" open "$vaults/format1-passphrase.json" --passphrase "$decomposed"
filter='.jobs = {}'
check "backup file" open "$vaults/format1-backup.json" --passphrase "$phrase"
# All roots lost: every record is there at its last version; the one removed comes back.
removed='{group: ("a1" * 16), kind: 7, part: 1, counter: 1, schema: 1, body: {emoji: "🔑"}}'
filter=".seq = null | .records = (.records + [$removed] | sort_by(.group, .kind, .part))"
check "passphrase vault without roots" \
    open "$vaults/format1-passphrase.json" --passphrase "$phrase" --without-roots
expected=$vaults/format1-device.expected.json
check "device vault without roots" open "$vaults/format1-device.json" --device-key "$device" --without-roots
filter=.
check "device vault" open "$vaults/format1-device.json" --device-key "$device"
if open "$vaults/format1-passphrase.json" --passphrase "grün wie Gräser 中文" 2>/dev/null; then
    echo "opened with a wrong passphrase" && exit 1
fi
