import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { test } from "node:test";
import { ADMIN, picture, room } from "./harness/site.mjs";
import { aSite } from "./harness/suite.mjs";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let ana, rui;
const at = aSite({
  prepare: async ({ server }) => {
    ana = await server.person("ana", "Ana Sousa");
    rui = await server.person("rui", "Rui Costa");
    await server.say(rui, "general", "Good morning! *Emphasis*, `code` and https://example.com/a");
    await server.say(rui, "general", "> quoted\n\n- one\n- two\n\n```js\nlet answer = 42;\n```");
    await server.say(ana, "general", "An answer");
  },
});

/** Fails with what is wrong of some weight. @param {import("playwright-core").Page} page @param {string} where */
async function nothingSerious(page, where) {
  // Into the page's own world, past its policy, which forbids scripts that are not the server's.
  const { violations } = await page.evaluate(`${AXE}; axe.run(document, { resultTypes: ["violations"] })`);
  const told = violations
    .filter(({ impact }) => ["serious", "critical", "moderate"].includes(impact))
    .map(({ id, help, nodes }) => `${where}: ${id} (${help})\n    ${nodes.map(({ html }) => html.slice(0, 200)).join("\n    ")}`);
  assert.deepEqual(told, []);
}

/** Every page, and what tells that it is there. @type {[string, (page: import("playwright-core").Page) => Promise<void>][]} */
const INSIDE = [
  ["/rooms/general", (page) => room(page).message("An answer").waitFor()],
  ["/profile", (page) => page.locator("parlor-logins li").first().waitFor()],
  ["/people", (page) => page.getByRole("rowheader").first().waitFor()],
  ["/roles", (page) => page.getByRole("button", { name: "Edit: Admin" }).waitFor()],
  ["/audit", (page) => page.getByText("login.open").first().waitFor()],
  ["/jobs", (page) => page.getByText("Nothing was given up.").waitFor()],
  ["/statistics", (page) => page.locator(".facts").waitFor()],
  ["/verify#token=made-up", (page) => page.getByRole("link", { name: "Continue" }).waitFor()],
  ["/nowhere", (page) => page.getByRole("link", { name: "Back to the rooms" }).waitFor()],
];

/** Every page for those who are out, and what one presses there. */
const OUTSIDE = [
  ["/sign-in", "Sign in"],
  ["/sign-in/complete", "Back to sign-in"],
  ["/forgot", "Send the link"],
  ["/reset#token=made-up", "Change password"],
  // Who is out signs in first.
  ["/verify#token=made-up", "Sign in"],
  ["/register", "Create account"],
  ["/setup", "Sign in"],
];

/** @param {import("playwright-core").Page} page @param {string} look */
async function nothingSeriousOutside(page, look) {
  for (const [path, button] of OUTSIDE) {
    const name = path.slice(1).replace(/#.*/, "").replace("/", "-");
    await page.goto(path);
    await page.getByRole("button", { name: button }).or(page.getByRole("link", { name: button })).first().waitFor();
    await nothingSerious(page, `${path} ${look}`);
    await picture(page, `${name}-${look}`);
  }
}

for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
  test(`axe finds nothing on any page, ${colorScheme}`, async () => {
    const out = await (await at.site.device({ colorScheme })).newPage();
    await nothingSeriousOutside(out, colorScheme);
    const page = await at.site.signedIn(ADMIN, { colorScheme });
    for (const [path, there] of INSIDE) {
      await page.goto(path);
      await there(page);
      await nothingSerious(page, `${path} ${colorScheme}`);
      await picture(page, `${path.replace(/#.*/, "").split("/").at(-1)}-${colorScheme}`);
    }
  });

  test(`axe finds nothing on a phone, with the drawers and dialogs open, ${colorScheme}`, async () => {
    const viewport = { width: 320, height: 640 };
    await nothingSeriousOutside(await (await at.site.device({ colorScheme, viewport })).newPage(), `phone-${colorScheme}`);
    const page = await at.site.signedIn(ADMIN, { colorScheme, viewport });
    for (const [path, there] of INSIDE) {
      await page.goto(path);
      await there(page);
      await nothingSerious(page, `phone ${path} ${colorScheme}`);
      await picture(page, `phone-${path.replace(/#.*/, "").split("/").at(-1)}-${colorScheme}`);
    }
    await page.goto("/rooms/general");
    await room(page).composer.waitFor();
    await page.getByRole("button", { name: "Show people" }).click();
    await room(page).people.getByText("Administrator").waitFor();
    await nothingSerious(page, `phone, people ${colorScheme}`);
    await picture(page, `phone-with-people-${colorScheme}`);
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Open rooms" }).click();
    await page.getByRole("button", { name: "New room" }).waitFor();
    await nothingSerious(page, `phone, rooms ${colorScheme}`);
    await picture(page, `phone-with-rooms-${colorScheme}`);
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByRole("dialog").waitFor();
    await nothingSerious(page, `phone, settings ${colorScheme}`);
  });
}

/** Presses Tab until this has the focus. @param {import("playwright-core").Page} page @param {import("playwright-core").Locator} target */
async function tabTo(page, target, key = "Tab") {
  for (let turn = 0; turn < 60; turn += 1) {
    const has = await target.evaluate((element) => element === document.activeElement).catch(() => false);
    if (has) return assert.ok(await visibleFocus(page), "the focus is seen");
    await page.keyboard.press(key);
  }
  assert.fail(`the keyboard does not reach ${target}`);
}

/** Whether the focused element is there to be seen, with a line around it or around the form that it fills. */
function visibleFocus(page) {
  return page.evaluate(() => {
    const element = /** @type {HTMLElement} */ (document.activeElement);
    const outlined = (of) => of && getComputedStyle(of).outlineStyle !== "none" && parseFloat(getComputedStyle(of).outlineWidth) >= 1;
    const { width, height } = element.getBoundingClientRect();
    return width > 0 && height > 0 && (outlined(element) || outlined(element.closest("form")));
  });
}

test("everything is done with the keyboard alone", async () => {
  const page = await (await at.site.device()).newPage();
  await page.goto("/rooms/general");
  const email = page.getByLabel("Email");
  await email.waitFor();
  await tabTo(page, email);
  await page.keyboard.type(ADMIN.email);
  await tabTo(page, page.getByLabel("Password"));
  await page.keyboard.type(ADMIN.password);
  await page.keyboard.press("Enter");
  const { composer, message, rooms } = room(page);
  await composer.waitFor();
  await tabTo(page, composer);
  await page.keyboard.type("by keyboard");
  await page.keyboard.press("Enter");
  await message("by keyboard").waitFor();
  await tabTo(page, rooms.getByRole("link", { name: /Random/ }), "Shift+Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Random" }).waitFor();
  await tabTo(page, page.getByRole("button", { name: "New room" }), "Shift+Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await tabTo(page, page.getByRole("link", { name: "Users" }));
  await page.keyboard.press("Enter");
  await page.getByRole("rowheader").first().waitFor();
  const active = page.getByRole("switch", { name: "Rui Costa is active" });
  await tabTo(page, active);
  await page.keyboard.press("Space");
  await page.getByRole("dialog").waitFor();
  await tabTo(page, page.getByRole("button", { name: "Deactivate" }));
  await page.keyboard.press("Enter");
  await active.and(page.locator("[aria-checked=false]")).waitFor();
  // The row was drawn anew; who uses keys goes on where they were.
  await tabTo(page, active);
  await page.keyboard.press("Space");
  await tabTo(page, page.getByRole("button", { name: "Activate" }));
  await page.keyboard.press("Enter");
  await active.and(page.locator("[aria-checked=true]")).waitFor();
  await tabTo(page, page.getByRole("button", { name: "Sign out" }), "Shift+Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Sign in", exact: true }).waitFor();
});

test("on a phone the rooms are a drawer, and nothing is wider than the screen", async () => {
  const page = await at.site.signedIn(ana, { viewport: { width: 320, height: 640 }, hasTouch: true, isMobile: true });
  const { composer, rooms, message } = room(page);
  await composer.waitFor();
  assert.equal(await rooms.isVisible(), false);
  await page.getByRole("button", { name: "Open rooms" }).tap();
  await rooms.getByRole("link", { name: /Help/ }).tap();
  await page.getByRole("heading", { name: "Help" }).waitFor();
  await rooms.waitFor({ state: "hidden" });
  await composer.fill(`${"a word ".repeat(30)}${"x".repeat(200)}`);
  await page.getByRole("button", { name: "Send" }).tap();
  await message(/^a word/).first().waitFor();
  for (const path of ["/rooms/help", "/profile"]) {
    await page.goto(path);
    await page.getByRole("heading", { level: 1 }).waitFor();
    const wide = await page.evaluate(() =>
      [document.documentElement, ...document.querySelectorAll(".page, [role=log]")]
        .filter((element) => element.scrollWidth > element.clientWidth + 1)
        .map((element) => element.className || element.tagName),
    );
    assert.deepEqual(wide, [], path);
  }
});

test("who reads Portuguese is spoken to in it, on every page", async () => {
  const page = await at.site.signedIn(ADMIN, { locale: "pt-PT" });
  const pages = [
    ["/rooms/general", "button", "Enviar"],
    ["/profile", "button", "Mudar senha"],
    ["/people", "columnheader", "Papel"],
    ["/statistics", "heading", "Usuários por papel"],
  ];
  for (const [path, role, name] of pages) {
    await page.goto(path);
    await page.getByRole(/** @type {any} */ (role), { name }).waitFor();
    assert.equal(await page.locator("html").getAttribute("lang"), "pt");
  }
  await picture(page, "portuguese");
});
