// Opens the page of the management API in a browser that reaches nothing but the gateway, tries operations out, and
// prints what it saw as JSON. Arguments: the folder of the npm packages, the address of the gateway, the token.
import { createRequire } from "node:module";
import path from "node:path";

const [modules, gateway, token] = process.argv.slice(2);
const { chromium } = createRequire(path.join(modules, "x.js"))("playwright-core");

const seen = { elsewhere: [], refused: [], problems: [], operations: 0, before: null, after: null, body: null };
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});
try {
  const page = await browser.newPage();
  await page.route("**/*", (route) => {
    const url = route.request().url();
    if (url.startsWith(`${gateway}/`) || url.startsWith("data:")) return route.continue();
    seen.elsewhere.push(url);
    return route.abort();
  });
  page.on("pageerror", (error) => seen.problems.push(String(error)));
  page.on("console", (message) => {
    if (/Content Security Policy/i.test(message.text())) seen.refused.push(message.text());
  });

  const answered = await page.goto(`${gateway}/manage/v1/docs`);
  seen.status = answered.status();
  await page.waitForSelector(".opblock", { timeout: 30000 });
  seen.title = await page.locator(".info .title").first().innerText();

  // GET /status: without the token, then with it.
  const operation = page.locator(".opblock").filter({ has: page.locator('[data-path="/status"]') });
  const run = async () => {
    const [response] = await Promise.all([
      page.waitForResponse((response) => response.url() === `${gateway}/manage/v1/status`),
      operation.locator("button.execute").click(),
    ]);
    const shown = operation.locator(".live-responses-table .response-col_status");
    await shown.filter({ hasText: String(response.status()) }).waitFor();
    return response.status();
  };
  await operation.locator(".opblock-summary-control").click();
  await operation.locator("button.try-out__btn").click();
  seen.before = await run();
  await page.locator("button.authorize").first().click();
  await page.locator(".auth-container input").fill(token);
  await page.locator(".auth-btn-wrapper button.authorize").click();
  await page.locator(".auth-btn-wrapper button.btn-done").click();
  seen.after = await run();
  seen.body = await operation.locator(".live-responses-table .highlight-code").first().innerText();
  seen.operations = await page.locator(".opblock").count();
  seen.stored = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
} finally {
  await browser.close();
}
console.log(JSON.stringify(seen));
