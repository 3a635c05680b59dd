/**
 * What a load test hands over: plain data, the same for every test, from which the terminal's text, the JSON file and
 * the HTML page are made. Nothing in it is formatted yet: a value comes with its unit.
 */

import type { Machine } from '../harness/machine.ts'

/** Changes when a field changes its meaning, so that whoever keeps reports can tell. */
export const REPORT_SCHEMA = 'sealcast-load-report/1'

/** What a test itself knows; `LoadReport` adds what is the same for all. */
export interface LoadResult {
  /** One line: what was done to what. */
  readonly title: string
  readonly verdict: Verdict
  /** How the run was set up, in reading order. */
  readonly settings: readonly Setting[]
  /** The few figures that one looks for first. */
  readonly figures: readonly Figure[]
  readonly latencies: readonly LatencyFigures[]
  /** Requests that failed, by code; empty when none did. */
  readonly errors: readonly ErrorCount[]
  readonly tables: readonly ReportTable[]
  readonly charts: readonly Chart[]
  /** How it was measured and what else was seen, in sentences. */
  readonly notes: readonly string[]
}

export interface LoadReport extends LoadResult {
  readonly schema: typeof REPORT_SCHEMA
  /** Name of the sub-command. */
  readonly test: string
  /** What to type to run it again. */
  readonly command: string
  /** ISO 8601. */
  readonly startedAt: string
  /** Of the whole run, start and end of the stack included. */
  readonly seconds: number
  readonly machine: Machine
}

export interface Verdict {
  /** `invalid`: the run says nothing about the broker, since the generator or the harness was the limit. */
  readonly outcome: 'passed' | 'failed' | 'invalid'
  /** Ended by a signal before its time; the figures are those of the part that ran. */
  readonly interrupted: boolean
  /** Why it is not passed, in sentences. */
  readonly reasons: readonly string[]
}

export interface Setting {
  readonly name: string
  readonly value: string
}

/** How a number is to be written, and what it means. */
export type Unit =
  | 'count'
  | 'per second'
  | 'bytes'
  | 'bytes per hour'
  | 'ms'
  | 's'
  | 'cores'
  | 'share'
  | 'ratio'
  | 'USD'
  | 'USD per month'

export interface Figure {
  readonly name: string
  /** NaN: could not be measured. */
  readonly value: number
  readonly unit: Unit
  /** Set when it was held against something. */
  readonly judged?: 'good' | 'bad'
  /** What it was held against, or how to read it; a few words. */
  readonly note?: string
}

export interface LatencyFigures {
  readonly name: string
  /** From when to when. */
  readonly meaning: string
  readonly count: number
  /** All in milliseconds; NaN of none. */
  readonly meanMs: number
  readonly p50Ms: number
  readonly p90Ms: number
  readonly p99Ms: number
  readonly p999Ms: number
  readonly maxMs: number
}

export interface ErrorCount {
  /** As the broker gave it, or the client's own: `Timeout`, `ConnectionClosed`. */
  readonly code: string
  readonly count: number
}

export interface ReportTable {
  readonly title: string
  /** How to read it; may be empty. */
  readonly note: string
  readonly columns: readonly { readonly name: string; readonly unit?: Unit }[]
  /** Numbers are written by their column's unit. */
  readonly rows: readonly (readonly (string | number)[])[]
}

export interface Chart {
  readonly title: string
  /** What is to be seen, in a sentence: the caption, and the description for those who cannot see it. */
  readonly caption: string
  readonly x: Axis
  readonly y: Axis
  readonly series: readonly Series[]
  /** Lines at one value of an axis, such as what was predicted. */
  readonly marks?: readonly Mark[]
}

export interface Axis {
  readonly label: string
  readonly unit: Unit
  /**
   * `linear` unless told. `percentile` places shares of 0 to below 1 as HDR plots do: each further nine takes as much
   * room as the one before.
   */
  readonly scale?: 'linear' | 'log' | 'percentile'
}

export interface Series {
  readonly name: string
  /** x ascending; y NaN leaves a gap. */
  readonly points: readonly (readonly [x: number, y: number])[]
  /** `line` unless told. `dashed` for what is expected rather than measured. */
  readonly form?: 'line' | 'dashed' | 'area' | 'steps' | 'bars' | 'dots'
}

export interface Mark {
  readonly axis: 'x' | 'y'
  readonly at: number
  readonly label: string
}
