#!/usr/bin/env python3
"""Opens a Relaykeep vault without Relaykeep. Written from docs/storage.md only.

    open_vault.py DUMP --passphrase TEXT | --device-key TEXT  [--without-roots]

DUMP is JSON: the names and texts of storage.local, or a backup file. Prints the records as JSON.
Needs the packages argon2-cffi and cryptography.
"""

import argparse
import base64
import hashlib
import hmac
import json
import sys
import unicodedata

from argon2.low_level import Type, hash_secret_raw
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

CLASSES = {"root": 1, "list": 2, "site": 3, "secret": 4, "job": 5}
CLASS_OF_KIND = {3: "list", 4: "list", 5: "list", 6: "site", 7: "secret", 8: "secret",
                 9: "secret", 10: "list", 11: "list", 12: "list", 13: "list", 14: "job"}
RECORD_CLASSES = ["list", "site", "secret", "job"]


class Damaged(Exception):
    """Not what was written."""


def decode(text):
    """Canonical base64url without padding."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError as error:
        raise Damaged("base64") from error
    if encode(raw) != text:
        raise Damaged("not canonical")
    return raw


def encode(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def without_sum(raw):
    body, found = raw[:-8], raw[-8:]
    if hashlib.sha256(body).digest()[:8] != found:
        raise Damaged("checksum")
    return body


def hkdf(ikm, salt, info, length=32):
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(ikm)


def u32(raw):
    return int.from_bytes(raw, "big")


class Slot:
    def __init__(self, text):
        raw = decode(text)
        if len(raw) != 168:
            raise Damaged("slot length")
        without_sum(raw)
        if raw[:4] != b"RKS1":
            raise Damaged("slot magic")
        self.raw, self.kind, self.kdf = raw, raw[4], raw[5]
        self.epoch, self.vault_id = u32(raw[20:24]), raw[24:40]

    def open(self, passphrase, device_key):
        """The master key, or None."""
        raw = self.raw
        if (self.kind, self.kdf) == (1, 1) and passphrase is not None:
            m, t, p = u32(raw[40:44]), u32(raw[44:48]), u32(raw[48:52])
            if not (19456 <= m <= 262144 and 2 <= t <= 10 and 1 <= p <= 4):
                raise Damaged("work factors")
            typed = unicodedata.normalize("NFC", passphrase).encode()
            secret = hash_secret_raw(typed, raw[52:68], t, m, p, 32, Type.ID, version=0x13)
        elif (self.kind, self.kdf) == (2, 0) and device_key is not None:
            secret = device_key
        else:
            return None
        derived = hkdf(secret, self.vault_id, b"relaykeep/1/slot\0" + raw[:68], 64)
        if not hmac.compare_digest(derived[32:], raw[68:100]):
            return None
        aad = b"relaykeep/1/slot\0" + raw[:100]
        return AESGCM(derived[:32]).decrypt(raw[100:112], raw[112:160], aad)


class Keys:
    def __init__(self, master, vault_id, epoch):
        self.vault_id, self.epoch = vault_id, epoch
        self.sub = {
            name: hkdf(master, vault_id,
                       b"relaykeep/1/sub/" + name.encode() + b"\0" + epoch.to_bytes(4, "big"))
            for name in CLASSES
        }

    def open(self, name_of_class, text):
        """One object: what it says of itself, and its body."""
        raw = decode(text)
        body = without_sum(raw)
        if body[:8] != b"RKO1\x01\0\0\0" or len(body) < 56:
            raise Damaged("object")
        outer, ident, nonce = body[:40], body[12:28], body[28:40]
        key = hkdf(self.sub[name_of_class], self.vault_id, b"relaykeep/1/object\0" + ident)
        aad = (b"relaykeep/1/object\0" + self.vault_id
               + bytes([CLASSES[name_of_class]]) + outer)
        try:
            plain = AESGCM(key).decrypt(nonce, body[40:], aad)
        except InvalidTag as error:
            raise Damaged("tag") from error
        found = {
            "id": ident,
            "schema": int.from_bytes(plain[0:2], "big"),
            "kind": plain[2],
            "part": int.from_bytes(plain[3:5], "big"),
            "group": plain[5:21],
            "counter": int.from_bytes(plain[21:29], "big"),
            "writer": plain[29:37],
        }
        if found["schema"] == 1:
            length = u32(plain[37:41])
            if 41 + length > len(plain) or any(plain[41 + length:]):
                raise Damaged("padding")
            found["body"] = json.loads(plain[41:41 + length].decode(), object_pairs_hook=once)
        return found


def once(pairs):
    names = [name for name, _ in pairs]
    if len(set(names)) != len(names):
        raise Damaged("a name twice")
    return dict(pairs)


def claimed_epoch(text):
    try:
        body = without_sum(decode(text))
    except Damaged:
        return None
    return u32(body[8:12]) if body[:4] == b"RKO1" else None


def find_keys(names, passphrase, device_key, roots):
    slots = {}
    for name, text in names.items():
        if name.startswith("rk1/s/"):
            try:
                slots[text] = Slot(text)
            except Damaged:
                print(f"{name}: damaged", file=sys.stderr)
    epochs = [epoch for epoch in map(claimed_epoch, roots) if epoch is not None]
    living = sorted(slots.values(), key=lambda slot: -slot.epoch)
    if epochs:
        living = [slot for slot in living if slot.epoch == max(epochs)]
    for slot in living:
        master = slot.open(passphrase, device_key)
        if master is not None:
            return Keys(master, slot.vault_id, slot.epoch)
    sys.exit("no intact slot opens with this")


def open_record(keys, name, text, kind=None):
    classes = [CLASS_OF_KIND[kind]] if kind in CLASS_OF_KIND else RECORD_CLASSES
    for name_of_class in classes:
        try:
            found = keys.open(name_of_class, text)
        except Damaged:
            continue
        if name != "rk1/o/" + found["id"].hex():
            raise Damaged("another object's name")
        if CLASS_OF_KIND.get(found["kind"], name_of_class) != name_of_class:
            raise Damaged("another class")
        return found
    raise Damaged("does not open")


def by_root(keys, names, roots):
    """The newest state whose shards all open, and its records."""
    opened = []
    for text in roots:
        try:
            root = keys.open("root", text)
        except Damaged:
            continue
        if root["kind"] == 1:
            opened.append(root)
    for root in sorted(opened, key=lambda root: -root["body"]["seq"]):
        rows = []
        try:
            for index, ident in enumerate(root["body"]["shards"]):
                if ident is None:
                    continue
                shard = keys.open("root", names.get("rk1/o/" + decode(ident).hex(), ""))
                if (shard["id"], shard["kind"], shard["part"]) != (decode(ident), 2, index):
                    raise Damaged("another shard")
                rows += shard["body"]["rows"]
        except Damaged:
            continue
        return root["body"]["seq"], rows
    return None, []


def read_rows(keys, names, rows):
    records, damaged = [], []
    for row in rows:
        if "o" not in row:
            continue
        name = "rk1/o/" + decode(row["o"]).hex()
        try:
            found = open_record(keys, name, names.get(name, ""), row["k"])
            said = (found["group"], found["kind"], found["part"], found["counter"],
                    found["writer"], found["schema"])
            if said != (decode(row["g"]), row["k"], row["p"], row["c"], decode(row["w"]), row["s"]):
                raise Damaged("another version")
            records.append(found)
        except Damaged:
            damaged.append(name)
    return records, damaged


def read_all(keys, names):
    """Without any root: the highest version of every record."""
    newest, damaged = {}, []
    for name, text in names.items():
        if not name.startswith("rk1/o/"):
            continue
        try:
            found = open_record(keys, name, text)
        except Damaged:
            try:
                keys.open("root", text)
            except Damaged:
                damaged.append(name)
            continue
        record = (found["group"], found["kind"], found["part"])
        version = (found["counter"], found["writer"])
        if record not in newest or version > newest[record][0]:
            newest[record] = (version, found)
    return [found for _, found in newest.values()], damaged


def read_jobs(keys, names):
    jobs = {}
    for name, text in names.items():
        if name.startswith("rk1/j/"):
            try:
                job = keys.open("job", text)
            except Damaged:
                continue
            slot = int(name.split("/")[2])
            if job["kind"] == 14 and job["part"] == slot:
                if slot not in jobs or job["counter"] > jobs[slot]["counter"]:
                    jobs[slot] = job
    return {slot: job["body"] for slot, job in sorted(jobs.items()) if job["body"] is not None}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("dump")
    arguments.add_argument("--passphrase")
    arguments.add_argument("--device-key")
    arguments.add_argument("--without-roots", action="store_true",
                           help="as if every root were lost")
    given = arguments.parse_args()
    with open(given.dump, encoding="utf-8") as file:
        names = json.load(file)
    if "relaykeep-backup" in names:
        backup = names
        names = dict(backup["objects"])
        names["rk1/r/0"] = backup["root"]
        names.update({f"rk1/s/{n}": text for n, text in enumerate(backup["slots"])})
    roots = [text for name, text in names.items() if name.startswith("rk1/r/")]
    if given.without_roots:
        roots = []
    device_key = decode(given.device_key) if given.device_key else None
    keys = find_keys(names, given.passphrase, device_key, roots)
    seq, rows = by_root(keys, names, roots)
    if seq is None:
        records, damaged = read_all(keys, names)
    else:
        records, damaged = read_rows(keys, names, rows)
    records.sort(key=lambda found: (found["group"], found["kind"], found["part"]))
    json.dump({
        "vault_id": keys.vault_id.hex(),
        "epoch": keys.epoch,
        "seq": seq,
        "records": [{
            "group": found["group"].hex(), "kind": found["kind"], "part": found["part"],
            "counter": found["counter"], "schema": found["schema"], "body": found.get("body"),
        } for found in records],
        "jobs": read_jobs(keys, names),
        "damaged": sorted(damaged),
    }, sys.stdout, indent=1, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main()
