// Who answers: the server, or without signal this device, if it has the files. What that takes is loaded when it is wanted.

import { $ } from "./elements.js";
import { say } from "./language.js";
import { namesFor, rename } from "./names.js";
import deviceModule from "./offline/device.js?later";
import { Problem } from "./problem.js";
import { showProgress } from "./progress.js";
import { titleOf } from "./words.js";

const READY = "offline"; // in localStorage, as offline/device.js sets it
const WITHOUT_SIGNAL = ["offline", "unreachable", "timeout"];

/**
 * Return the server's answer, or this device's if there is no signal. `before`: the answer to the same photos that is shown.
 * @param {() => Promise<object>} ask  asks the server
 * @param {{photos: Blob[], wanted: object, before?: object, onlyServer?: boolean}} request
 */
export async function answerOf(ask, { photos, wanted, before, onlyServer }) {
  const canAnswer = isReady() && !onlyServer && !wanted.boxes;
  try {
    if (!navigator.onLine && isReady()) throw new Problem("offline"); // not a byte leaves
    const answer = await ask();
    if (!before?.device) return answer;
    await (await device()).settle(before.device).catch(reportError); // the outbox then lists it once more
    return { ...answer, before: titleOf(before) };
  } catch (problem) {
    if (!canAnswer || !WITHOUT_SIGNAL.includes(problem.code)) throw problem;
    showProgress(say("device.busy"));
    const { identify } = await device();
    const answer = await identify(photos, wanted, before?.device).catch((own) => {
      throw own.code === "unsupported_media_type" ? problem : own; // the server reads formats that this browser does not
    });
    return rename(answer, await namesFor(answer));
  }
}

/** Show which of the two has answered, and what the other says if that differs. */
export function showAnswerer({ device: isOfDevice, before, ...answer }) {
  const checked = before === titleOf(answer) ? say("device.same") : say("device.said", { title: before });
  const alone = [say("device"), answer.photo_quality?.infrared && say("device.night")].filter(Boolean).join(" ");
  $("device-words").textContent = isOfDevice ? alone : checked;
  $("device").hidden = !isOfDevice && !before;
  $("device-ask").hidden = !isOfDevice;
}

/**
 * Begin: show the part about it if the server or this device has the files, and what it says when it is opened. Keep the page
 * as it is now if this device can answer.
 */
export function begin(open) {
  $("offline").hidden = !isReady() && !document.querySelector('meta[name="offline"]');
  $("offline").addEventListener("toggle", async () => $("offline").open && (await device()).show(open));
  if (isReady()) device().then(({ refresh }) => refresh()).catch(() => {}); // without signal, the page stays as it was kept
}

function device() {
  return import(deviceModule);
}

function isReady() {
  try {
    return Boolean(localStorage.getItem(READY));
  } catch {
    return false;
  }
}
