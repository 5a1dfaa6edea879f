import { test } from "node:test";
import { picture, room } from "./harness/site.mjs";
import { aSite } from "./harness/suite.mjs";

const NAMES = { ana: "Ana Sousa", rui: "Rui Costa", zoe: "Zoe Martin", kofi: "Kofi Mensah", mei: "Mei Tanaka" };

/** @type {[keyof typeof NAMES, string, string][]} */
const SAID = [
  ["mei", "help", "How do I start a second server?"],
  ["kofi", "random", "There is cake in the kitchen"],
  ["zoe", "random", "On my way!"],
  ["rui", "general", "Morning! The new build is on the test machine."],
  ["rui", "general", "It resumes where it was after a restart, without losing a line."],
  ["zoe", "general", "Tried it: pulled the plug *twice* while typing."],
  ["zoe", "general", "Everything arrived, in order."],
  ["mei", "general", "Nice. What does one need for it?"],
  ["rui", "general", "One file:\n\n```sh\nparlor serve\n```\n\nThen\n\n- open the address that it prints\n- make the **first admin**"],
  ["kofi", "general", "> Everything arrived, in order.\n\nThat is the sentence I was waiting for. Notes: https://example.com/notes"],
];

const people = {};
const at = aSite({
  prepare: async ({ server }) => {
    for (const [name, fullName] of Object.entries(NAMES)) people[name] = await server.person(name, fullName);
    for (const [name, roomId, text] of SAID) await server.say(people[name], roomId, text);
    for (const roomId of ["general", "help"]) {
      const { head } = await server.api("GET", `/api/chat/rooms/${roomId}`, people.ana);
      await server.api("PUT", `/api/chat/rooms/${roomId}/read`, { token: people.ana.token, body: { seq: head } });
    }
  },
});

/** What the README shows. The others of target/screens are taken on the way by the other tests. */
test("a room in full, on a desktop and on a phone", async () => {
  for (const name of ["rui", "zoe", "mei"]) await room(await at.site.signedIn(people[name])).composer.waitFor();
  const looks = /** @type {const} */ ([
    ["desktop", { viewport: { width: 1200, height: 750 } }],
    ["desktop-dark", { viewport: { width: 1200, height: 750 }, colorScheme: "dark" }],
    ["phone", { viewport: { width: 390, height: 750 }, colorScheme: "dark" }],
  ]);
  for (const [name, options] of looks) {
    const page = await at.site.signedIn(people.ana, options);
    const { composer, message } = room(page);
    await message("Nice. What does one need for it?").waitFor();
    await page.locator("#people").getByText("Mei Tanaka").waitFor({ state: "attached" });
    await composer.fill("I will write that into the ");
    await picture(page, name);
    await page.context().close();
  }
});
