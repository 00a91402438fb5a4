import { clearIfOurs } from "./clipboard.js";

chrome.runtime.onMessage.addListener((message, sender, reply) => {
  if (message?.to !== "offscreen" || sender.id !== chrome.runtime.id) return false;
  clearIfOurs(message.print).then(reply, () => reply(false));
  return true;
});
