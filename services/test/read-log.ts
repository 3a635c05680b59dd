/** What a process of a stack has logged. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Stack } from './start-stack.ts'

/** Whole lines: the file is read while it is written, so that the end of the last one may not be there yet. */
export function readLog({ home }: Pick<Stack, 'home'>, process: string): string[] {
  return readFileSync(join(home, 'logs', `${process}.log`), 'utf8')
    .split('\n')
    .slice(0, -1)
}
