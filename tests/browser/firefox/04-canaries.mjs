// Firefox keeps other things than Chromium does, in other places: its profile is searched too.
import canaries from "../e2e/06-canaries.mjs";

export default { ...canaries, name: "firefox canaries", cases: canaries.cases.filter((one) => /passphrase mode|half filled/.test(one.name)) };
