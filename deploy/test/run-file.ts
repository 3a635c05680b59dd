/**
 * Runs one test file in a process of its own through node:test's `run()`, and counts.
 *
 * One run a file rather than one for all: node:test's own timeout ends a test but not a process that
 * a left-over timer or socket keeps alive, and then nothing ends. Ours stops the process.
 */

import { resolve } from 'node:path'
import { run } from 'node:test'
import { inspect } from 'node:util'

export interface Failure {
  name: string
  line: number
  text: string
}

export interface FileResult {
  file: string
  passed: number
  failed: number
  skipped: number
  durationMs: number
  failures: readonly Failure[]
  /** What the file wrote, its end if that was much. */
  output: string
}

const KEPT_CHARACTERS = 64 * 1024

/** @param file relative to `root` */
export async function runFile(options: {
  root: string
  file: string
  timeoutMs: number
  signal: AbortSignal
}): Promise<FileResult> {
  const { root, file, timeoutMs } = options
  const startedAt = performance.now()
  const timeout = AbortSignal.timeout(timeoutMs)
  const failures: Failure[] = []
  const counts = { passed: 0, failed: 0, skipped: 0 }
  let output = ''

  const path = resolve(root, file)
  const stream = run({ files: [path], cwd: root, signal: AbortSignal.any([options.signal, timeout]) })
  const keep = ({ message }: { message: string }) => {
    output = (output + message).slice(-KEPT_CHARACTERS)
  }
  stream.on('test:stdout', keep)
  stream.on('test:stderr', keep)
  stream.on('test:pass', (event) => {
    if (event.details.type === 'suite' || event.name === path || event.name === file) return
    if (event.skip !== undefined || event.todo !== undefined) counts.skipped++
    else counts.passed++
  })
  stream.on('test:fail', (event) => {
    // A suite or a file fails because a test in it did, which is reported by itself.
    if (isBecauseOfSubtests(event.details.error)) return
    counts.failed++
    failures.push({ name: event.name, line: event.line ?? 0, text: describe(event.details.error) })
  })
  stream.resume()
  await new Promise<void>((done, fail) => {
    stream.on('end', done)
    stream.on('error', fail)
  })

  if (timeout.aborted && !options.signal.aborted) {
    counts.failed++
    failures.push({ name: file, line: 0, text: `did not end within ${timeoutMs} ms and was stopped` })
  } else if (counts.passed + counts.failed + counts.skipped === 0) {
    counts.failed++
    failures.push({ name: file, line: 0, text: 'holds no test' })
  }
  return { file, ...counts, durationMs: performance.now() - startedAt, failures, output }
}

function isBecauseOfSubtests(error: Error): boolean {
  return 'failureType' in error && error.failureType === 'subtestsFailed'
}

/** node:test wraps what the test threw; that is what the reader wants. */
function describe(error: Error): string {
  return inspect(error.cause ?? error, { colors: process.stdout.isTTY, depth: 4 })
}
