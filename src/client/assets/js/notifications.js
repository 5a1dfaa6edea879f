// @ts-check
import { pathOf } from "./state/router.js";
import { t } from "./text/text.js";

const CHOICE = "parlor.notifications";
const PICTURE = new URL("../icons/parlor-192.png", import.meta.url).href;
/** How much of a message is shown. */
const LONGEST = 160;

/** Whether this browser has notifications at all. */
export function notificationsExist() {
  return "Notification" in globalThis;
}

/** Whether somebody has asked for them here, and the browser allows it. */
export function notificationsWanted() {
  if (!notificationsExist() || Notification.permission !== "granted") return false;
  try {
    return localStorage.getItem(CHOICE) === "on";
  } catch {
    return false;
  }
}

/**
 * Asks the browser to allow them, or ends them.
 *
 * @param {boolean} wanted
 * @returns {Promise<boolean>} whether it is now as wanted
 */
export async function wantNotifications(wanted) {
  if (wanted && (await Notification.requestPermission()) !== "granted") return false;
  try {
    localStorage.setItem(CHOICE, wanted ? "on" : "off");
    return true;
  } catch {
    return !wanted;
  }
}

/**
 * Tells of new messages while nobody looks.
 *
 * @param {import("./pages/registry.js").Context} context
 */
export function startNotifications({ chat, navigation }) {
  chat.on("arrived", (/** @type {import("./state/types.js").Message} */ message) => {
    const away = document.visibilityState !== "visible" || !document.hasFocus();
    if (!away || message.sender_id === chat.login.user?.id || !notificationsWanted()) return;
    const room = message.room_id;
    const title = t().notifications.title(message.sender_name, chat.rooms.get(room)?.name ?? room);
    // One a room, however many tabs and messages there are.
    const data = { path: pathOf({ name: "room", room }) };
    const options = { body: message.content.slice(0, LONGEST), tag: `room ${room}`, icon: PICTURE, data };
    try {
      const shown = new Notification(title, options);
      shown.onclick = () => {
        focus();
        navigation.go({ name: "room", room });
        shown.close();
      };
    } catch {
      // Phones show only what a service worker asks for.
      navigator.serviceWorker?.ready.then((worker) => worker.showNotification(title, options));
    }
  });
}
