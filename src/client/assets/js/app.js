// @ts-check
/** The page: starts the state, then the elements that show it. */
import { keepPage } from "./install.js";
import { Navigation } from "./navigation.js";
import { PAGES } from "./pages/registry.js";
import { startNotifications } from "./notifications.js";
import { Shell } from "./shell.js";
import { applyTheme } from "./theme.js";
import { toastPlace } from "./toast.js";
import { Chat } from "./state/chat.js";
import { browserPlatform } from "./state/platform.js";
import { language, startTexts } from "./text/text.js";

applyTheme();
const chat = new Chat(browserPlatform());
const context = { chat, navigation: new Navigation() };

/** Shows everything, anew when it is to speak another language. */
function show() {
  document.body.replaceChildren(new Shell(context), toastPlace());
}

// What is to be shown is on its way while it is found out who looks.
PAGES[context.navigation.route.name]?.load().catch(() => {});
await Promise.all([startTexts(), chat.start()]);
show();
language.on("changed", show);
keepPage(context.navigation);
// Whoever leaves has read what was seen, though the half second to gather marks is not over.
document.addEventListener("visibilitychange", () => document.hidden && chat.rooms.tell());
startNotifications(context);
