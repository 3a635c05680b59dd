/** `sealcast top`: a live view of all processes in the terminal. */

import type { Command } from 'commander'
import type { Clock } from '#shared/clock'
import type { TopConfig } from '../config.ts'
import { MetricsUrlError } from '../top/errors.ts'
import { runTop } from '../top/run-top.ts'
import type { TerminalStreams } from '../top/terminal.ts'

interface Flags {
  interval: number
  once?: true
  json?: true
  urls?: string
}

const MAX_URLS = 1_000

export function addTopCommand(
  program: Command,
  o: {
    readConfig: (urls: string | undefined) => TopConfig
    terminal: TerminalStreams | undefined
    clock: Clock
    writeOutput: (text: string) => void
  },
): void {
  const top = program
    .command('top')
    .description(
      'Publishes, deliveries, latencies, KMS calls against the prediction, backlog and processes, live. q quits.',
    )
  top
    .option(
      '--interval <seconds>',
      'from one look at the processes to the next',
      (text) => {
        const seconds = /^\d{1,4}(?:\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN
        if (seconds >= 0.2 && seconds <= 3_600) return seconds
        return top.error('error: --interval must be a number of seconds from 0.2 to 3600')
      },
      1,
    )
    .option('--once', 'compare two looks, print one frame as plain text and end')
    .option('--json', 'print JSON, one line a frame')
    .option('--urls <urls>', 'comma-separated /metrics addresses; those of SEALCAST_METRICS_URLS unless told')
  top.action(async ({ interval, once, json, urls }: Flags) => {
    const config = o.readConfig(urls)
    await runTop({
      urls: parseUrls(config.metricsUrls),
      intervalMs: 1_000 * interval,
      once: once ?? false,
      json: json ?? false,
      isColored: config.isColored,
      terminal: o.terminal,
      clock: o.clock,
      writeOutput: o.writeOutput,
    })
  })
}

/** @throws {MetricsUrlError} */
function parseUrls(text: string): string[] {
  const urls = [...new Set(text.split(',').map((url) => url.trim()))].filter((url) => url !== '')
  const bad = urls.findIndex((url) => !URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
  if (bad !== -1) throw new MetricsUrlError(`Cannot ask processes: address ${bad + 1} is no http or https URL`)
  if (urls.length === 0 || urls.length > MAX_URLS) {
    throw new MetricsUrlError(
      `Cannot ask processes: there must be 1 to ${MAX_URLS} addresses, there are ${urls.length}`,
    )
  }
  return urls
}
