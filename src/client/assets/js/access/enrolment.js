// @ts-check
import { h } from "../element.js";
import { field } from "../form.js";
import { styled } from "../style.js";
import { access } from "../text/access.js";

await styled("access");

/**
 * How an authenticator app learns the secret: by a picture or by hand.
 *
 * @param {import("../state/types.js").Enrolment} enrolment
 */
export function enrolmentView({ secret, uri, qr_svg: picture }) {
  const { scan, picture: name, byHand, enter } = access().enroll;
  // As a picture and not as markup: nothing in it can run.
  const source = `data:image/svg+xml,${encodeURIComponent(picture)}`;
  const groups = secret.match(/.{1,4}/g) ?? [];
  return h(
    "div",
    { class: "enrolment" },
    h("p", {}, scan),
    // Whoever reads this on the phone itself opens the app with it.
    h("a", { class: "qr", href: uri }, h("img", { src: source, alt: name, width: 200, height: 200 })),
    h("p", { class: "soft small" }, byHand),
    h("code", { class: "secret" }, groups.map((group) => h("span", {}, group, " "))),
    h("p", {}, enter),
  );
}

/** Takes the digits that an authenticator app shows. */
export function codeField() {
  return field({
    name: "code",
    label: access().second.code,
    autocomplete: "one-time-code",
    inputmode: "numeric",
    required: true,
    maxlength: 32,
  });
}
