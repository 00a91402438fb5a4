// Registered only for sites that an account waits for, and only while it waits: says that the
// person has come to the site, and nothing else. Signing in loads no page anew on these front
// ends, so a change of address, and leaving the tab, are told as well.
(() => {
  let left = 6;
  const tell = () => {
    if (left-- > 0) chrome.runtime.sendMessage({ site: "arrived" }).catch(() => {});
  };
  let path = location.pathname;
  globalThis.navigation?.addEventListener("currententrychange", () => {
    if (location.pathname === path) return;
    path = location.pathname;
    tell();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "hidden") tell();
  });
  tell();
})();
