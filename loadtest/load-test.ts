/** What a sub-command of `npm run loadtest` is, and what it is given. */

import type { LoadResult } from './report/load-report.ts'
import type { SettingsSpec, ValuesOf } from './settings/setting.ts'

export interface LoadTest<S extends SettingsSpec = SettingsSpec> {
  readonly name: string
  /** One line for the list of sub-commands. */
  readonly what: string
  /** What a scenario file and the command line can say, over and above what `main.ts` knows. */
  readonly settings: S
  /** @returns what to report, also when `run.signal` ended it early; @throws when it could not be run at all */
  run(values: ValuesOf<S>, run: LoadRun): Promise<LoadResult>
}

export interface LoadRun {
  /** For files of this run; removed afterwards. */
  readonly folder: string
  /** Aborted by Ctrl-C: stop loading, count what is under way, and report. */
  readonly signal: AbortSignal
  readonly progress: Progress
  /** AWS_* variables as they were set, which no process of the stack gets unless it is given them. */
  readonly awsEnvironment: Readonly<Record<string, string>>
}

/** On standard error: a bar on a terminal, else a line every few seconds. */
export interface Progress {
  /** A line that stays. */
  say(line: string): void
  /** Begins a bar of `total` units, such as seconds. */
  start(total: number): void
  /** @param text figures of the moment, shown beside the bar */
  update(done: number, text: string): void
  stop(): void
}
