/** A browser on a page of the dashboard, which tells what goes wrong in it. */

import axe from "axe-core";
import { type Browser, chromium, type Page } from "playwright-core";

export interface OpenPage extends AsyncDisposable {
  readonly page: Page;
  /** Errors of the console and of scripts, and what the policy refused. */
  readonly errors: string[];
}

export interface PageOptions {
  width?: number;
  height?: number;
  theme?: "light" | "dark";
}

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Starts Chromium: the one that CHROMIUM names, or the system's. */
export function startBrowser(): Promise<Browser> {
  const executablePath = Deno.env.get("CHROMIUM") ?? PLACES.find(exists);
  if (executablePath === undefined) {
    throw new Error("Chromium is not there: install it, or name it in CHROMIUM");
  }
  return chromium.launch({ executablePath, args: ["--no-sandbox"] });
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** A new page at a URL, in a context of its own. */
export async function openPage(
  browser: Browser,
  url: string,
  { width = 1280, height = 820, theme = "light" }: PageOptions = {},
): Promise<OpenPage> {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: theme,
    locale: "en-US",
    permissions: ["clipboard-read", "clipboard-write"],
  });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const errors: string[] = [];
  page.on("console", (message) => {
    // A request that was answered with an error is shown to the user, and logged by the browser on top.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
      errors.push(message.text());
    }
  });
  page.on("pageerror", (error) => errors.push(String(error.stack)));
  await page.goto(url);
  return { page, errors, [Symbol.asyncDispose]: () => context.close() };
}

/** What axe-core finds of serious and critical violations, in words. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const violations = await page.evaluate(async () => {
    const { axe } = globalThis as unknown as { axe: { run(): Promise<AxeResults> } };
    return (await axe.run()).violations;
  });
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ").slice(0, 500)}`);
}

interface AxeResults {
  violations: { id: string; impact?: string; nodes: { html: string }[] }[];
}

/** How much wider than the window the page is. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate("document.documentElement.scrollWidth - innerWidth") as Promise<number>;
}
