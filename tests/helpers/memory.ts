/** How much memory a process has; Linux only. */

/** In MB. */
export function residentMegabytes({ pid }: { pid: number }): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024;
}

/** As text. */
export function memoryText(process: { pid: number }): string {
  return `${residentMegabytes(process).toFixed(0)} MB`;
}
