// Finding by role and name inside a page, for a browser that cannot be asked for it at once. Both
// functions are sent to the page as text and must be complete in themselves. Firefox's own
// accessibility tree is held against them by a case of its own (firefox/01-life.mjs).

/** All elements below `root` (or in the page) with this role and, if one is given, this name. */
export function found(root, role, name) {
  const tidy = (text) => text.replaceAll(/\s+/g, " ").trim();
  const INPUTS = { checkbox: "checkbox", radio: "radio", button: "button", submit: "button", reset: "button", range: "slider", number: "spinbutton", search: "searchbox" };
  const TAGS = {
    A: "link", BUTTON: "button", TEXTAREA: "textbox", OPTION: "option", H1: "heading", H2: "heading", H3: "heading", H4: "heading", NAV: "navigation",
    MAIN: "main", DIALOG: "dialog", UL: "list", OL: "list", LI: "listitem", TABLE: "table", PROGRESS: "progressbar", FIELDSET: "group", OUTPUT: "status",
  };
  const roleOf = (one) => {
    const said = one.getAttribute("role")?.trim().split(/\s+/)[0];
    if (said) return said;
    if (one.tagName === "INPUT") return INPUTS[one.type] ?? (/^(text|email|url|tel|password)$/.test(one.type) ? "textbox" : "");
    if (one.tagName === "SELECT") return one.multiple || one.size > 1 ? "listbox" : "combobox";
    if (one.tagName === "SECTION") return one.hasAttribute("aria-label") || one.hasAttribute("aria-labelledby") ? "region" : "";
    if (one.tagName === "A" && !one.hasAttribute("href")) return "";
    return TAGS[one.tagName] ?? "";
  };
  const hidden = (one) => !one.checkVisibility({ visibilityProperty: true }) || one.closest('[aria-hidden="true"], [inert]');
  const content = (one, without) => {
    let text = "";
    for (const node of one.childNodes) {
      if (node.nodeType === 3) text += node.data;
      if (node.nodeType !== 1 || node === without || node.ariaHidden === "true") continue;
      const style = getComputedStyle(node);
      if (style.display === "none" || style.visibility === "hidden") continue;
      const inner = node.ariaLabel ?? (node.tagName === "IMG" ? node.alt : /^(SELECT|INPUT|TEXTAREA)$/.test(node.tagName) ? "" : content(node, without));
      text += style.display.startsWith("inline") ? inner : ` ${inner} `;
    }
    return text;
  };
  const FROM_CONTENT = /^(button|link|heading|option|menuitem|menuitemradio|menuitemcheckbox|tab|checkbox|radio|switch|gridcell|cell|columnheader|row|tooltip)$/;
  const nameOf = (one, role) => {
    const by = one.getAttribute("aria-labelledby");
    if (by) return tidy(by.split(/\s+/).map((id) => document.getElementById(id)).filter(Boolean).map((each) => each.ariaLabel ?? content(each)).join(" "));
    if (one.ariaLabel) return tidy(one.ariaLabel);
    if (one.labels?.length) return tidy([...one.labels].map((label) => content(label, one)).join(" "));
    if (one.tagName === "FIELDSET") return tidy(one.querySelector(":scope > legend")?.textContent ?? "");
    if (one.tagName === "INPUT" && /^(button|submit|reset)$/.test(one.type)) return tidy(one.value);
    const text = FROM_CONTENT.test(role) ? tidy(content(one)) : "";
    return text || tidy(one.title || one.placeholder || "");
  };
  // A modal window shuts out all else.
  const modal = [...document.querySelectorAll("dialog:modal")].at(-1);
  const all = [];
  for (const one of (root ?? document).querySelectorAll("*")) {
    if (roleOf(one) !== role || (modal && !modal.contains(one)) || hidden(one)) continue;
    if (name === undefined || name === null || nameOf(one, role) === name) all.push(one);
  }
  all.nameOf = nameOf;
  return all;
}

/** The names of everything with this role; `find` is the function above. */
export function named(role, find) {
  const all = find(null, role);
  return all.map((one) => all.nameOf(one, role));
}
