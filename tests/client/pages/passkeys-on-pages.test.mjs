import assert from "node:assert/strict";
import { test } from "node:test";
import { PASSWORD, picture, room } from "./harness/site.mjs";
import { aSite } from "./harness/suite.mjs";

const at = aSite();

/**
 * A finger on a sensor that is always the right one.
 *
 * @param {import("playwright-core").Page} page
 */
async function authenticator(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("WebAuthn.enable");
  const options = /** @type {const} */ ({
    protocol: "ctap2",
    transport: "internal",
    hasResidentKey: true,
    hasUserVerification: true,
    isUserVerified: true,
    automaticPresenceSimulation: true,
  });
  const { authenticatorId } = await session.send("WebAuthn.addVirtualAuthenticator", { options });
  return {
    credentials: async () => (await session.send("WebAuthn.getCredentials", { authenticatorId })).credentials,
    /** @param {boolean} isUserVerified */
    verify: (isUserVerified) => session.send("WebAuthn.setUserVerified", { authenticatorId, isUserVerified }),
    forget: () => session.send("WebAuthn.clearCredentials", { authenticatorId }),
  };
}

test("somebody adds a passkey, signs in with it alone, renames it and takes it away", async () => {
  const ana = await at.site.server.person("ana", "Ana Sousa");
  const page = await at.site.signedIn(ana, { path: "/profile" });
  const finger = await authenticator(page);
  const card = page.getByRole("region", { name: "Passkeys" });
  await card.getByRole("button", { name: "Add a passkey" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("Laptop");
  await page.getByRole("dialog").getByLabel("Current password").fill(PASSWORD);
  await page.getByRole("dialog").getByRole("button", { name: "Add a passkey" }).click();
  await card.getByText("Laptop").waitFor();
  await card.getByText("not used yet").waitFor();
  assert.equal((await finger.credentials()).length, 1);
  await picture(page, "passkeys");

  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await room(page).composer.or(page.getByRole("heading", { level: 1 })).first().waitFor();
  await page.getByRole("button", { name: "Sign out" }).waitFor();
  await page.goto("/profile");
  await card.getByText("last used").waitFor();

  await card.getByRole("button", { name: "Rename: Laptop" }).click();
  await page.getByRole("dialog").getByLabel("Name").fill("Old laptop");
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await card.getByText("Old laptop").waitFor();
  await card.getByRole("button", { name: "Remove: Old laptop" }).click();
  await page.getByRole("dialog").getByLabel("Current password").fill(PASSWORD);
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await card.getByText("Old laptop").waitFor({ state: "detached" });

  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await page.getByRole("alert").waitFor();
});

test("the same device is not taken twice, and no finger is no sign-in", async () => {
  const rui = await at.site.server.person("rui", "Rui Costa");
  const page = await at.site.signedIn(rui, { path: "/profile" });
  const finger = await authenticator(page);
  const card = page.getByRole("region", { name: "Passkeys" });
  const add = async () => {
    await card.getByRole("button", { name: "Add a passkey" }).click();
    await page.getByRole("dialog").getByLabel("Current password").fill(PASSWORD);
    await page.getByRole("dialog").getByRole("button", { name: "Add a passkey" }).click();
  };
  await add();
  await card.getByRole("listitem").first().waitFor();
  await add();
  await page.getByText("This device already has a passkey for you.").waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Sign out" }).click();
  await finger.verify(false);
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await page.getByText("That was cancelled, or took too long.").waitFor();
  await finger.verify(true);
  await page.getByRole("button", { name: "Sign in with a passkey" }).click();
  await page.getByRole("button", { name: "Sign out" }).waitFor();
});
