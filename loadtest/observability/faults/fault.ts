/** Something wrong on purpose, and what must tell of it. */

import type { Stage } from '../stage.ts'

export interface ProvokedFault {
  readonly name: string
  /** Parts of expressions that have data because of it. */
  readonly feeds: readonly string[]
  /** Alerts that must fire. */
  readonly alerts: readonly string[]
  /**
   * Makes it so, and returns while it is so.
   *
   * @param undo makes an end of it
   * @param untilFired waits until an alert has fired, for what has to follow it
   */
  provoke(stage: Stage, o: { undo: AsyncDisposableStack; untilFired: (alert: string) => Promise<void> }): Promise<void>
}

/** Faults that are on at the same time. */
export interface Phase {
  readonly name: string
  readonly faults: readonly ProvokedFault[]
  /** After which it is given up. */
  readonly withinMs: number
}
