// @ts-check
import { moreTexts } from "./text.js";

/** What pages say of ways in: second factor, passkeys, accounts elsewhere, tokens, mails. */
export const access = await moreTexts({
  en: () => import("./access-en.js"),
  pt: () => import("./access-pt.js"),
});
