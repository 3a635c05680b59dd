/**
 * Runs the files of one tier and prints a line a file; what failed is printed whole at the end, with
 * what its file wrote.
 */

import { stripVTControlCharacters, styleText } from 'node:util'
import type { Tier } from './find-tests.ts'
import { type FileResult, runFile } from './run-file.ts'

export interface Counts {
  passed: number
  failed: number
  skipped: number
}

export async function runTier(options: {
  root: string
  tier: Tier
  files: readonly string[]
  concurrency: number
  /** For each file; what has not ended by then is stopped and counts as failed. */
  timeoutMs: number
  signal: AbortSignal
  print: (text: string) => void
}): Promise<Counts> {
  const { tier, files } = options
  const print = (text: string) => options.print(process.stdout.isTTY ? text : stripVTControlCharacters(text))
  const startedAt = performance.now()
  const total: Counts = { passed: 0, failed: 0, skipped: 0 }
  const failed: FileResult[] = []

  print(`${styleText('bold', tier)} (${files.length} files)\n`)
  const waiting = [...files]
  const work = async () => {
    for (let file = waiting.shift(); file !== undefined && !options.signal.aborted; file = waiting.shift()) {
      const result = await runFile({ ...options, file })
      total.passed += result.passed
      total.failed += result.failed
      total.skipped += result.skipped
      if (result.failed > 0) failed.push(result)
      const mark = result.failed > 0 ? styleText('red', '✖') : styleText('green', '✔')
      const failures = result.failed > 0 ? `, ${result.failed} failed` : ''
      print(`  ${mark} ${file}  ${result.passed} passed${failures} (${Math.round(result.durationMs)} ms)\n`)
    }
  }
  await Promise.all(Array.from({ length: options.concurrency }, work))

  for (const result of failed) {
    for (const { name, line, text } of result.failures) {
      print(`\n${styleText('red', `✖ ${name}`)}\n  ${result.file}:${line}\n${indent(text)}\n`)
    }
    if (result.output !== '') print(`\nOutput of ${result.file}:\n${indent(result.output.trimEnd())}\n`)
  }
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  print(`${tier}: ${total.passed} passed, ${total.failed} failed, ${seconds} s\n\n`)
  return total
}

function indent(text: string): string {
  return text.replace(/^/gm, '    ')
}
