// Opens /docs in headless Chromium: it must show the operations of Patient, CarePlan and Consent within two seconds,
// without an error and without asking any other host for anything, and every other document must open from its list.
// BINNACLE_SCREENSHOT=FILE keeps a picture.
import { availableParallelism, loadavg } from "node:os";
import { chromium } from "playwright-core";

const LIMIT = 2000;
const ATTEMPTS = 5;
const LONG = 60000;
const { BINNACLE_URL, CHROMIUM, BINNACLE_SCREENSHOT } = process.env;

// By another name than a loopback address, as people see it: Swagger UI treats loopback apart.
const port = new URL(BINNACLE_URL).port;
const origin = `http://docs.binnacle.test:${port}`;
const browser = await chromium.launch({
  executablePath: CHROMIUM,
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--host-resolver-rules=MAP docs.binnacle.test 127.0.0.1"],
});
const faults = [];

function fail(message) {
  console.error(`docs: ${message}`);
  process.exitCode = 1;
}

async function open() {
  const context = await browser.newContext({ viewport: { width: 1280, height: 1000 } });
  const page = await context.newPage();
  page.setDefaultTimeout(LONG);
  const devtools = await context.newCDPSession(page);
  await devtools.send("Performance.enable", { timeDomain: "threadTicks" });
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) faults.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => faults.push(`script: ${error.message}`));
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (url.origin !== origin && url.protocol !== "data:") faults.push(`request to elsewhere: ${url}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) faults.push(`${response.status()} of ${response.url()}`);
  });
  await page.goto(`${origin}/docs`, { waitUntil: "commit" });
  await shows(page, ["Patient", "CarePlan", "Consent"], 9);
  const wall = await page.evaluate(() => Math.round(performance.now()));
  const { metrics } = await devtools.send("Performance.getMetrics");
  const busy = metrics.find((metric) => metric.name === "TaskDuration").value;
  return [page, wall, Math.round(busy * 1000)];
}

// Waits until these types, and no others, are shown with at least `least` operations each.
async function shows(page, types, least) {
  const arrived = ([types, least]) => {
    const tags = [...document.querySelectorAll(".opblock-tag-section")];
    const enough = (tag) => tag.querySelectorAll(".opblock").length >= least;
    const names = tags.map((tag) => tag.querySelector("[data-tag]")?.dataset.tag);
    return names.join() === types.join() && tags.every(enough);
  };
  await page.waitForFunction(arrived, [types, least], { timeout: LONG, polling: 10 });
}

// A machine that is busy with other things may need several attempts. When none is quick enough, the page's own
// processor time decides, and the message says so: the page cannot be blamed for what others do.
let page, took, busy;
const times = [];
for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
  [page, took, busy] = await open();
  times.push(took);
  if (took < LIMIT) break;
  if (attempt + 1 < ATTEMPTS) await page.context().close();
}
let said = `opened in ${times.join(", ")} ms`;
if (took >= LIMIT) said += ` on a busy machine, ${busy} ms of it the page's own processor time`;
if (took >= LIMIT && (loadavg()[0] < availableParallelism() || busy >= LIMIT)) fail(`${said}: the limit is ${LIMIT} ms`);
if (BINNACLE_SCREENSHOT) await page.screenshot({ path: BINNACLE_SCREENSHOT });

// One operation opens, with its parameters; another type and the server itself can be chosen.
for (const [id, row] of [
  ["Patient-readPatient", '.response[data-code="200"]'],
  ["Patient-searchPatient", 'tr[data-param-name="birthdate"]'],
]) {
  await page.locator(`#operations-${id} .opblock-summary-control`).click();
  await page.waitForSelector(`#operations-${id} ${row}`);
  await page.locator(`#operations-${id} .opblock-summary-control`).click();
}
const choices = await page.locator(".download-url-wrapper option").allTextContents();
if (choices.length !== 147) fail(`${choices.length} documents to choose from`);
await page.locator(".download-url-wrapper select").selectOption({ label: "Observation" });
await shows(page, ["Observation"], 9);
await page.locator(".download-url-wrapper select").selectOption({ label: "Server" });
await shows(page, ["System", "OAuth", "Documentation", "Operations"], 3);

for (const fault of new Set(faults)) fail(fault);
await browser.close();
if (!process.exitCode) console.log(`docs: ${said}; no error, nothing from elsewhere`);
