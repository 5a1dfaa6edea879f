// @ts-check
import { field } from "../form.js";
import { access } from "../text/access.js";
import { t } from "../text/text.js";

/**
 * What the server wants to believe that it is the owner who asks. Nothing is to be filled in by somebody
 * without a password and an app, who then must have signed in a short while ago.
 *
 * @param {import("../state/access.js").TwoFactor} guarded how the account is guarded
 * @returns {HTMLElement[]}
 */
export function proofFields({ password, totp }) {
  const { code: label } = access().second;
  const code = () => field({ name: "code", label, autocomplete: "one-time-code", required: true, maxlength: 64 });
  return [...(password ? [passwordField("password")] : []), ...(totp ? [code()] : [])];
}

/** @param {string} name as the server calls it here */
export function passwordField(name) {
  const { currentPassword: label } = t().profile;
  return field({ name, label, type: "password", autocomplete: "current-password", required: true });
}
