// @ts-check
import { field } from "../form.js";
import { t } from "../text/text.js";

/** What a new account is made of. */
export function accountFields() {
  const { fullName, username, usernameHint, email, password, passwordHint } = t().register;
  return [
    field({ name: "full_name", label: fullName, autocomplete: "name", required: true }),
    field({ name: "username", label: username, hint: usernameHint, autocomplete: "username", required: true }),
    field({ name: "email", label: email, type: "email", autocomplete: "email", required: true }),
    field({
      name: "password",
      label: password,
      type: "password",
      hint: passwordHint,
      autocomplete: "new-password",
      required: true,
    }),
  ];
}
