// @ts-check
import { moreTexts } from "./text.js";

/** What the pages of those who keep this server say, besides users and statistics. */
export const admin = await moreTexts({
  en: () => import("./admin-en.js"),
  pt: () => import("./admin-pt.js"),
});
