/** The loop of `top`: scrape, look, show, wait for the next moment. What a frame says and how it looks is decided elsewhere. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '#shared/clock'
import { NothingToShowError } from './errors.ts'
import { renderView, summarizeView } from './render.ts'
import { type Scrape, scrapeAll } from './scrape.ts'
import { type TerminalStreams, takeTerminal } from './terminal.ts'
import { type View, viewOf } from './view.ts'

export interface TopOptions {
  urls: readonly string[]
  intervalMs: number
  once: boolean
  json: boolean
  isColored: boolean
  /** Undefined: lines are written instead of frames. */
  terminal: TerminalStreams | undefined
  clock: Clock
  writeOutput: (text: string) => void
}

/** A process that takes longer is shown as one that does not answer. */
const MAX_WAIT_MS = 5_000
const MIN_WAIT_MS = 1_000
const PLAIN_WIDTH = 120

/**
 * Runs until it is quit; once: until two scrapes were compared.
 *
 * @throws {NothingToShowError} once, when no process answered
 */
export async function runTop(o: TopOptions): Promise<void> {
  const ended = new AbortController()
  const end = () => ended.abort()
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, end)
  try {
    if (o.once) await runOnce(o, ended.signal)
    else if (o.json || o.terminal === undefined) await runLines(o, ended.signal)
    else await runScreen(o, { terminal: o.terminal, end, signal: ended.signal })
  } finally {
    for (const signal of signals) process.off(signal, end)
  }
}

async function runOnce(o: TopOptions, signal: AbortSignal): Promise<void> {
  for await (const view of views(o, signal)) {
    if (view.processes.every(({ error }) => error !== undefined)) {
      throw new NothingToShowError(
        'Cannot show anything: no process answers at the addresses of SEALCAST_METRICS_URLS or --urls',
      )
    }
    o.writeOutput(o.json ? jsonOf(view) : linesOf(renderView(view, { width: PLAIN_WIDTH, isColored: false })))
    return
  }
}

async function runLines(o: TopOptions, signal: AbortSignal): Promise<void> {
  for await (const view of views(o, signal)) o.writeOutput(o.json ? jsonOf(view) : linesOf([summarizeView(view)]))
}

async function runScreen(
  o: TopOptions,
  { terminal, end, signal }: { terminal: TerminalStreams; end: () => void; signal: AbortSignal },
): Promise<void> {
  let last: View | undefined
  const draw = () => {
    const lines =
      last === undefined
        ? ['sealcast top  asking the processes …']
        : renderView(last, { ...screen.size, isColored: o.isColored, hint: 'q quits' })
    screen.draw(lines)
  }
  using screen = takeTerminal(terminal, { onQuit: end, onResize: draw })
  draw()
  for await (const view of views(o, signal)) {
    last = view
    draw()
  }
}

/** One for each interval, from the second scrape on; those that a scrape took too long for are left out. */
async function* views(o: TopOptions, signal: AbortSignal): AsyncGenerator<View> {
  const timeoutMs = Math.min(MAX_WAIT_MS, Math.max(MIN_WAIT_MS, o.intervalMs))
  const startedAt = performance.now()
  let before: readonly Scrape[] | undefined
  let last: View | undefined
  for (let tick = 0; !signal.aborted; ) {
    const after = await scrapeAll(o.urls, { timeoutMs, signal })
    if (signal.aborted) return
    if (before !== undefined) {
      last = viewOf({ before, after, at: o.clock.now(), last })
      yield last
    }
    // What did not answer now has its last page still, so that what it counts is not lost between.
    before = after.map((scrape) =>
      scrape.page === undefined ? (before?.find(({ url }) => url === scrape.url) ?? scrape) : scrape,
    )
    tick = Math.max(tick + 1, Math.ceil((performance.now() - startedAt) / o.intervalMs))
    // Node writes a warning, over the frame, about a moment that has just gone by.
    const waitMs = Math.max(0, startedAt + tick * o.intervalMs - performance.now())
    await sleep(waitMs, undefined, { signal }).catch(() => {})
  }
}

function linesOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('')
}

/** What no process tells is null. */
function jsonOf({ kms: { parts: _, ...kms }, ...view }: View): string {
  return `${JSON.stringify({ ...view, kms }, (_, value) => (value === undefined ? null : value))}\n`
}
