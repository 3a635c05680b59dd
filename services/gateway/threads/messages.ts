/** What the threads of a gateway say to each other. Data keys cross as KeyObjects, whose bytes are not copied. */

import type { KeyObject } from 'node:crypto'
import type { MetricsSnapshot } from '#shared/metrics'
import type { ThreadShare } from '../thread-share.ts'

/** What a further thread is started with. */
export interface ThreadStart {
  /** From 1 on; 0 is the one that a process begins with. */
  readonly thread: number
  readonly share: ThreadShare
}

export type ToMain =
  | { readonly kind: 'ready' }
  /** With its end. */
  | { readonly kind: 'log-line'; readonly line: string }
  | { readonly kind: 'find-key'; readonly id: number; readonly name: string }
  | {
      readonly kind: 'bring-key'
      readonly id: number
      readonly name: string
      readonly key: KeyObject
      readonly forMs: number
    }
  | { readonly kind: 'give-up-key'; readonly name: string }
  /** Of a question, or the last. */
  | { readonly kind: 'metrics'; readonly id: number | undefined; readonly metrics: MetricsSnapshot }

export type ToThread =
  | { readonly kind: 'stop' }
  /** To `find-key` and `bring-key`. */
  | { readonly kind: 'key'; readonly id: number; readonly key: KeyObject | undefined }
  | { readonly kind: 'read-metrics'; readonly id: number }
