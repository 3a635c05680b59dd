/** What a row of the benchmark is and what it gives. */

import type { Measured } from '../harness/rounds.ts'

export interface Row {
  readonly name: string
  readonly what: string
  readonly against: string
  run(bench: Bench): Promise<RowResult>
}

export interface Bench {
  /** Short runs that show that the harness works; their figures say little. */
  readonly quick: boolean
  /** For files of this row; removed afterwards. */
  readonly folder: string
  /** Where processes of the broker leave their profiles; undefined when nobody asked. */
  readonly profileFolder: string | undefined
  progress(text: string): void
}

/** A figure with what it has to be. */
export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly better: 'higher' | 'lower'
  /** Missing it fails the run. */
  readonly first: number
  readonly aim: number
}

export interface RowResult {
  readonly figures: readonly Figure[]
  readonly measured: readonly Measured[]
  /** Lines for the reader: how it was done, what else was seen. */
  readonly notes: readonly string[]
  /** Why the row counts for nothing; empty when it counts. */
  readonly problems: readonly string[]
}

/** Rounds of a row, and warm-ups at most: one of each where it is only to be seen that it works. */
export function effortOf(
  { quick }: Bench,
  full: { rounds: number; warmUps: number },
): { rounds: number; warmUps: number } {
  return quick ? { rounds: 1, warmUps: 1 } : full
}

export function isMet({ value, better }: Figure, level: number): boolean {
  return better === 'higher' ? value >= level : value <= level
}
