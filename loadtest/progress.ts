/**
 * Progress of a load test on standard error: a bar with figures on a terminal; where nobody watches, as in CI, a line
 * every few seconds. Standard output belongs to the report.
 */

import { SingleBar } from 'cli-progress'
import type { Progress } from './load-test.ts'

const LINE_EVERY_MS = 5_000

/** @param stream standard error; @param now milliseconds, for the lines where there is no terminal */
export function createProgress(stream: NodeJS.WriteStream, now: () => number = () => performance.now()): Progress {
  return stream.isTTY ? createBar(stream) : createLines(stream, now)
}

function createBar(stream: NodeJS.WriteStream): Progress {
  let bar: SingleBar | undefined
  let last: [number, string] = [0, '']
  let total = 0
  const start = () => {
    bar = new SingleBar({
      stream,
      format: '{bar} {percentage} %  {text}',
      barCompleteChar: '█',
      barIncompleteChar: '░',
      barsize: 24,
      hideCursor: true,
      // A figure that runs over the line's end would begin a new bar at each update.
      linewrap: true,
      // Ctrl-C is ours: the run ends in order and reports.
      gracefulExit: false,
    })
    bar.start(total, last[0], { text: last[1] })
  }
  const stop = () => {
    bar?.stop()
    bar = undefined
  }
  return {
    say(line) {
      const wasShown = bar !== undefined
      stop()
      stream.write(`${line}\n`)
      if (wasShown) start()
    },
    start(units) {
      total = units
      last = [0, '']
      start()
    },
    update(done, text) {
      last = [Math.min(done, total), text]
      bar?.update(last[0], { text })
    },
    stop,
  }
}

function createLines(stream: NodeJS.WriteStream, now: () => number): Progress {
  let total = 0
  let saidAt = 0
  return {
    say: (line) => void stream.write(`loadtest  ${line}\n`),
    start(units) {
      total = units
      saidAt = now()
    },
    update(done, text) {
      if (now() - saidAt < LINE_EVERY_MS) return
      saidAt = now()
      stream.write(`loadtest  ${Math.floor((100 * Math.min(done, total)) / total)} %  ${text}\n`)
    },
    stop: () => {},
  }
}
