// @ts-check
import { showDialog } from "../dialog.js";
import { h } from "../element.js";
import { styled } from "../style.js";
import { access } from "../text/access.js";

await styled("access");

/**
 * Copies a text, if the browser lets us, and says so beside the button: a dialog may cover the rest.
 *
 * @param {string} text
 */
export function copyButton(text) {
  const { copy, copied, notCopied } = access().codes;
  const told = h("span", { class: "soft small", role: "status" });
  const run = () =>
    navigator.clipboard.writeText(text).then(
      () => (told.textContent = copied),
      () => (told.textContent = notCopied),
    );
  return [h("button", { class: "button slim", type: "button", onclick: run }, copy), told];
}

/**
 * Hands a file to the browser's downloads.
 *
 * @param {string} name
 * @param {Blob} content
 */
export function download(name, content) {
  const address = URL.createObjectURL(content);
  const link = h("a", { href: address, download: name });
  link.click();
  // Not at once: the browser begins to read it after this.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/**
 * Shows recovery codes, this once.
 *
 * @param {string[]} codes
 * @returns {Promise<void>} settled when they were kept
 */
export function showCodes(codes) {
  const { heading, text, list, download: save, file, kept } = access().codes;
  const whole = `${codes.join("\n")}\n`;
  const saved = () => download(file, new Blob([whole], { type: "text/plain" }));
  return new Promise((resolve) => {
    const dialog = showDialog(
      heading,
      (close) => [
        h("p", { class: "soft" }, text),
        h("ol", { class: "codes", "aria-label": list }, codes.map((code) => h("li", {}, h("code", {}, code)))),
        h(
          "div",
          { class: "actions" },
          h("button", { class: "button slim", type: "button", onclick: saved }, save),
          copyButton(whole),
        ),
        h("div", { class: "actions end" }, h("button", { class: "button main", type: "button", onclick: close }, kept)),
      ],
      { stays: true },
    );
    dialog.addEventListener("close", () => resolve());
  });
}
