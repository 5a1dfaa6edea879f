import assert from "node:assert/strict";
import { test } from "node:test";
import { PASSWORD, picture, room, until } from "./harness/site.mjs";
import { aSite } from "./harness/suite.mjs";

const at = aSite({ settings: { MAIL_LINKS: "log" } });

/**
 * The newest link of a kind in what the server would have mailed to somebody.
 *
 * @param {string} to
 * @param {"verify" | "reset"} kind
 * @param {string} [seen] one that was there before
 */
async function link(to, kind, seen = "") {
  const known = new RegExp(`/${kind}#token=[\\w-]+`);
  const found = () => {
    const lines = at.site.server.log.split("\n").filter((line) => line.includes(`"to":"${to}"`) && known.test(line));
    return lines.at(-1)?.match(known)?.[0] ?? "";
  };
  await until(async () => found() !== "" && found() !== seen, `a link to ${kind} for ${to}`);
  return found();
}

test("a new address is confirmed by the link, on a device where nobody is signed in after signing in", async () => {
  const ana = await at.site.server.person("ana", "Ana Sousa");
  const first = await link(ana.email, "verify");
  const page = await at.site.signedIn(ana, { path: "/profile" });
  await page.getByText("Your e-mail address is not confirmed yet.").waitFor();
  await picture(page, "unverified");
  await page.getByRole("button", { name: "Send it again" }).click();
  await page.getByText("A mail with a new link is on its way.").waitFor();
  const second = await link(ana.email, "verify", first);

  const phone = await (await at.site.device({ viewport: { width: 320, height: 640 } })).newPage();
  await phone.goto(second);
  await phone.getByText("Sign in to the account of this address to confirm it.").waitFor();
  assert.equal(new URL(phone.url()).hash, "", "the token does not stay in the address");
  await picture(phone, "phone-verify-sign-in");
  await phone.getByLabel("Email").fill(ana.email);
  await phone.getByLabel("Password").fill(PASSWORD);
  await phone.getByRole("button", { name: "Sign in", exact: true }).click();
  await phone.getByText("Your e-mail address is confirmed.").waitFor();
  assert.equal(new URL(phone.url()).hash, "", "the token does not stay in the address");
  await picture(phone, "phone-verified");
  await page.reload();
  await page.getByText("E-mail address confirmed").waitFor();
  await phone.goto("/profile");
  await phone.goto(first);
  await phone.getByText("This link is no longer good.").waitFor();
});

test("another account's link confirms nothing, and a changed address asks for the password", async () => {
  const [mia, eva] = [await at.site.server.person("mia", "Mia"), await at.site.server.person("eva", "Eva")];
  const page = await at.site.signedIn(mia, { path: await link(eva.email, "verify") });
  await page.getByText("This link belongs to another account.").waitFor();
  await page.goto("/profile");
  await page.getByLabel("Email").fill("mia@elsewhere.example");
  await page.getByRole("button", { name: "Save" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Current password").fill("Wrong-horse-1");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.locator("[aria-invalid=true]").waitFor();
  await dialog.getByLabel("Current password").fill(PASSWORD);
  await dialog.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved").waitFor();
  await link("mia@elsewhere.example", "verify");
});

test("who is signed in sees at once that the address is confirmed", async () => {
  const leo = await at.site.server.person("leo", "Leo");
  const page = await at.site.signedIn(leo, { path: "/rooms/general" });
  await room(page).composer.waitFor();
  await page.goto(await link(leo.email, "verify"));
  await page.getByText("Your e-mail address is confirmed.").waitFor();
  await page.getByRole("link", { name: "Continue" }).click();
  await page.getByText("E-mail address confirmed").waitFor();
});

test("a forgotten password is set anew, once, and every login ends", async () => {
  const rui = await at.site.server.person("rui", "Rui Costa");
  const elsewhere = await at.site.signedIn(rui);
  await room(elsewhere).composer.waitFor();

  const page = await (await at.site.device()).newPage();
  await page.goto("/rooms/general");
  await page.getByRole("link", { name: "Forgot your password?" }).click();
  await page.getByRole("button", { name: "Send the link" }).waitFor();
  await page.getByLabel("Email").fill(rui.email);
  await page.getByRole("button", { name: "Send the link" }).click();
  await page.getByText("If there is an account with this address").waitFor();
  await picture(page, "forgot-sent");
  const path = await link(rui.email, "reset");
  await page.goto(path);
  await page.getByLabel("New password").fill("short");
  assert.equal(new URL(page.url()).hash, "", "the token does not stay in the address");
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByLabel("New password").and(page.locator("[aria-invalid=true]")).waitFor();
  await picture(page, "reset");
  await page.getByLabel("New password").fill("Another-horse-2");
  await page.getByRole("button", { name: "Change password" }).click();
  await page.getByText("Your password is changed").waitFor();
  await elsewhere.getByRole("button", { name: "Sign in", exact: true }).waitFor();

  await page.getByLabel("Email").fill(rui.email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("alert").waitFor();
  await page.getByLabel("Password").fill("Another-horse-2");
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.getByRole("button", { name: "Sign out" }).waitFor();

  const late = await (await at.site.device()).newPage();
  await late.goto(path);
  await late.getByLabel("New password").fill("Another-horse-3");
  await late.getByRole("button", { name: "Change password" }).click();
  await late.getByText("This link is no longer good.").waitFor();
});

test("an unknown address is answered the same", async () => {
  const page = await (await at.site.device()).newPage();
  await page.goto("/forgot");
  await page.getByLabel("Email").fill("nobody@example.com");
  await page.getByRole("button", { name: "Send the link" }).click();
  await page.getByText("If there is an account with this address").waitFor();
});

test("an address without a token says so", async () => {
  const page = await (await at.site.device()).newPage();
  await page.goto("/reset");
  await page.getByText("This link is no longer good.").waitFor();
  await page.goto("/verify");
  await page.getByText("Open the link in the mail once more.").waitFor();
});
